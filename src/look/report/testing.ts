// What a report says of the test images: confusion, each class, predictions.

import type { AnyDataset } from "../../data/dataset.js";
import { shownValue } from "../charts/chart.js";
import { drawConfusion, mostClasses } from "../charts/confusion.js";
import type { Classifier } from "../classifier.js";
import type { Evaluation } from "../evaluation.js";
import { grouped } from "../numbers.js";
import { type Answer, drawAnswers, mistakenAnswers, rightAnswers } from "../sheets/answers.js";
import type { Html } from "./html.js";
import { figure, heading, note, section, table } from "./parts.js";

/** What a network does on test images. */
export interface Tested {
  readonly evaluation: Evaluation;
  /** The images that were looked at. */
  readonly dataset: AnyDataset;
  /** How many there are in all. */
  readonly available: number;
}

/** Mistakes that are shown. */
const mostMistakes = 12;

export async function testing(model: Classifier, tested: Tested | undefined): Promise<Html[]> {
  if (!tested) {
    const missing = "there is no confusion matrix, and there are no predictions.";
    return [section("Test images", note(`The run was not tested, so ${missing}`))];
  }
  return [
    await confusionMatrix(tested),
    section("Each class", perClass(tested.evaluation)),
    await predictions(model, tested),
  ];
}

async function confusionMatrix({ evaluation, dataset, available }: Tested): Promise<Html> {
  const { confusion, count, accuracy, loss } = evaluation;
  const { classNames, source } = dataset;
  const part =
    count < available
      ? ` (of ${grouped(available)}: to look at all of them takes longer; fovea inspect does)`
      : "";
  const images = `${grouped(count)} test images${part}, from ${source}`;
  const how =
    "A row is a class, a column what its images are taken for. Colours are shares of the class, on a " +
    "scale that shows small ones too.";
  const all = classNames.length;
  const which =
    all > mostClasses ? ` Of ${all} classes, the ${mostClasses} that are mixed up most.` : "";
  return section(
    "Confusion matrix",
    note(`Accuracy ${accuracy.toFixed(4)}, loss ${shownValue(loss, 4)} on ${images}.`),
    figure(await drawConfusion(confusion, classNames)),
    note(how + which),
  );
}

function perClass({ perClass }: Evaluation): Html {
  const share = (value: number | null) => (value === null ? "–" : value.toFixed(3));
  const rows = perClass.map(({ className, support, precision, recall, f1 }) => [
    className,
    grouped(support),
    ...[precision, recall, f1].map(share),
  ]);
  return table(["class", "images", "precision", "recall", "F1"], rows, 1);
}

async function predictions(model: Classifier, { evaluation, dataset }: Tested): Promise<Html> {
  const right = await rightAnswers(model, dataset);
  const mistakes = evaluation.mistakes.slice(0, mostMistakes);
  const wrong = await mistakenAnswers(model, dataset, mistakes);
  const sheet = async (answers: readonly Answer[], label: string, none: string) =>
    answers.length === 0 ? note(none) : figure(await drawAnswers(answers, { label }));
  return section(
    "Predictions",
    heading("Right"),
    await sheet(
      right,
      "pictures that are taken for what they are",
      "None of the first images of each class is taken for what it is.",
    ),
    heading("The worst mistakes"),
    await sheet(wrong, "the worst mistakes", "There are none."),
    note("Pictures are as the network sees them; the percentage is what it gave its answer."),
  );
}
