// What a run notices of images that are not those with which it began, and how it says so.

import { describe, expect, it } from "vitest";
import type { Dataset, DatasetSplits, FileDataset } from "../data/dataset.js";
import { changedImage, listImages } from "./image-list.js";

/** Four images of one pixel for training, two to test with. */
function published(change: (splits: DatasetSplits) => void = () => {}): DatasetSplits {
  const part = (values: number[], labels: number[]): Dataset => ({
    images: Uint8Array.from(values),
    labels: Uint8Array.from(labels),
    count: values.length,
    height: 1,
    width: 1,
    channels: 1,
    classNames: ["cat", "dog"],
    source: "digits",
  });
  const splits = { train: part([1, 2, 3, 4], [0, 1, 0, 1]), test: part([5, 6], [0, 1]) };
  change(splits);
  return splits;
}

/** Files with what is in them; "pets/cat/1.jpg" is of the class cat. */
function folder(train: string[], test: string[]): DatasetSplits<FileDataset> {
  const classNames = ["cat", "dog"];
  const part = (files: string[]): FileDataset => ({
    files: files.map((file) => file.split(" ")[0]!),
    digests: files.map((file) => file.split(" ")[1]!),
    labels: files.map((file) => classNames.indexOf(file.split("/")[1]!)) as never,
    count: files.length,
    channels: 3,
    classNames,
    source: "pets",
  });
  return { train: part(train), test: part(test) };
}

const [a, b, c, d] = [
  "pets/cat/1.jpg aa",
  "pets/cat/2.jpg bb",
  "pets/dog/1.jpg cc",
  "pets/dog/2.jpg dd",
];
const was = listImages(folder([a!, c!], [b!, d!]));
const changed = (now: DatasetSplits<FileDataset>) => changedImage(was, listImages(now));

describe("changedImage", () => {
  it("names nothing where all is as it was", () => {
    expect(changed(folder([a!, c!], [b!, d!]))).toBe(undefined);
    const list = listImages(published());
    expect(changedImage(list, listImages(published()))).toBe(undefined);
  });

  it("names the first file that has changed, is missing, or is new", () => {
    expect(changed(folder([a!, "pets/dog/1.jpg c!"], [b!, d!]))).toBe(
      "pets/dog/1.jpg has been changed",
    );
    // one less in a folder without parts: another is for testing
    expect(changed(folder([a!, d!], [b!]))).toBe(
      "pets/dog/1.jpg is missing, or can no longer be decoded",
    );
    expect(changed(folder([a!, b!, "pets/dog/0.jpg ee"], [c!, d!]))).toBe(
      "pets/dog/0.jpg was not among its images",
    );
  });

  it("notices another order", () => {
    expect(changed(folder([c!, a!], [b!, d!]))).toBe("its images came in another order");
  });

  it("names the part of a published set, and its images or labels", () => {
    const list = listImages(published());
    const now = (change: (splits: DatasetSplits) => void) =>
      changedImage(list, listImages(published(change)));
    expect(now(({ train }) => train.images.set([9], 3))).toBe(
      "the training images of digits have been changed",
    );
    expect(now(({ test }) => test.labels.set([1], 0))).toBe(
      "the labels of the test images of digits have been changed",
    );
    const elsewhere = published();
    const train = { ...elsewhere.train, source: "copies" };
    expect(changedImage(list, listImages({ ...elsewhere, train }))).toBe(
      "the training images of digits are now those of copies",
    );
    expect(changedImage(list, was)).toBe("the training images of digits have been changed");
  });

  it("says nothing where the older list is lost or damaged", () => {
    for (const damaged of ["{", `${was}x\n`, `{"part":"training"}\n`])
      expect(changedImage(damaged, was)).toBe(undefined);
  });
});
