// A run's configuration in words, in groups, for its report.

import { parseTransforms } from "../../data/transforms/parse.js";
import type { Transform } from "../../data/transforms/transform.js";
import { FoveaError } from "../../errors.js";
import type { RunConfig } from "../../train/config.js";
import { grouped } from "../numbers.js";
import { type RunSettings, settingsOf } from "./settings.js";

type Row = readonly [name: string, value: string];

export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Groups with what is known: whatever a config does not say is left out. */
export function configurationOf(config: RunConfig): Group[] {
  const s = settingsOf(config);
  const groups = [
    { title: "Images", rows: imageRows(config, s) },
    { title: "Network", rows: networkRows(config, s) },
    { title: "Learning", rows: learningRows(config, s) },
    { title: "Run", rows: runRows(config, s) },
  ];
  return groups.map(({ title, rows }) => ({
    title,
    rows: rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  }));
}

type Maybe = readonly [name: string, value: string | undefined];

const when = <T>(value: T | undefined, words: (value: T) => string): string | undefined =>
  value === undefined ? undefined : words(value);

function imageRows(config: RunConfig, s: RunSettings): Maybe[] {
  const order = s.shuffle === false ? ", in their order" : ", in a new order each epoch";
  return [
    ["data set", config.data],
    ["from", s.dataSource],
    ["size", when(s.imageShape, (shape) => shape.join("×"))],
    [
      "training images",
      when(s.trainExamples, (n) => grouped(n) + (s.shuffle === undefined ? "" : order)),
    ],
    ["validation images", s.valExamples ? grouped(s.valExamples) : undefined],
    ["test images", when(s.testExamples, grouped)],
    ["while training", inWords(config.transforms.train)],
    ["while measuring", inWords(config.transforms.eval)],
  ];
}

function networkRows({ model, network }: RunConfig, s: RunSettings): Maybe[] {
  const { inChannels, inputSize, numClasses, dropout } = network;
  return [
    ["name", model],
    ["input", [inChannels, ...inputSize].join("×")],
    ["classes", grouped(numClasses)],
    ["dropout", dropout === null ? undefined : String(dropout)],
    ["first weights", when(s.init, (init) => init + (s.partial ? ", what fits of it" : ""))],
    ["frozen", s.freeze?.length ? s.freeze.join(", ") : undefined],
  ];
}

function learningRows({ batchSize }: RunConfig, s: RunSettings): Maybe[] {
  const momentum = s.momentum ? `, ${s.nesterov ? "Nesterov's " : ""}momentum ${s.momentum}` : "";
  return [
    ["optimizer", when(s.optimizer, (name) => name + momentum)],
    ["learning rate", when(s.lr, String)],
    ["schedule", when(s.schedule, () => schedule(s))],
    ["batch", `${grouped(batchSize)} images`],
    [
      "epochs",
      when(
        s.epochs,
        (n) => grouped(n) + (s.maxSteps ? `, at most ${grouped(s.maxSteps)} steps` : ""),
      ),
    ],
    ["early stop", when(s.earlyStop, (n) => `after ${epochs(n)} without a better one`)],
    ["weight decay", s.weightDecay ? String(s.weightDecay) : undefined],
    ["label smoothing", s.labelSmoothing ? String(s.labelSmoothing) : undefined],
    ["gradient norm", when(s.clipGradNorm, (norm) => `clipped to ${norm}`)],
  ];
}

function schedule({ schedule: name, stepSize, gamma, patience, warmup }: RunSettings): string {
  const course = {
    step: `times ${gamma} every ${epochs(stepSize)}`,
    plateau: `times ${gamma} after ${epochs(patience)} without a better one`,
    cosine: "cosine, to 0",
    none: "constant",
  }[name ?? "none"];
  return (course ?? name ?? "") + (warmup ? `, after a warm-up of ${epochs(warmup)}` : "");
}

const epochs = (count = 0): string => `${grouped(count)} ${count === 1 ? "epoch" : "epochs"}`;

function runRows({ seed }: RunConfig, s: RunSettings): Maybe[] {
  const versions = Object.entries(s.versions ?? {}).map(([name, version]) => `${name} ${version}`);
  return [
    ["started", s.startedAt?.replace("T", " ").replace(/(:\d\d)(\.\d+)?Z$/, "$1 UTC")],
    ["seed", String(seed)],
    ["computed by", s.computedBy],
    ["versions", versions.length > 0 ? versions.join(", ") : undefined],
  ];
}

/** "Resize 224, CenterCrop 224×224, …"; what is no transform of Fovea's, as its data. */
function inWords(transforms: readonly unknown[]): string {
  if (transforms.length === 0) return "as they are";
  try {
    return parseTransforms(transforms).map(transformInWords).join(", ");
  } catch (error) {
    if (!(error instanceof FoveaError)) throw error;
    return JSON.stringify(transforms);
  }
}

function transformInWords(transform: Transform): string {
  const { name, ...settings } = transform;
  const size = "size" in settings ? settings.size : undefined;
  const shown = size === undefined ? "" : ` ${typeof size === "number" ? size : size.join("×")}`;
  const rest = Object.entries(settings)
    .filter(([key]) => key !== "size" && !key.startsWith("eigen"))
    .map(([key, value]) => `${key} ${[value].flat().join("…")}`);
  const separate = name === "Normalize" ? rest.map((text) => text.replaceAll("…", "/")) : rest;
  return `${name}${shown}${separate.length > 0 ? ` (${separate.join(", ")})` : ""}`;
}
