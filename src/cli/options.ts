// Parsers for option values. Each throws what commander turns into one sentence.

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { convolutionModes } from "../backends/backend.js";
import { lanes } from "../backends/native/isas.js";
import { datasetNames } from "../data/index.js";

interface Range {
  readonly least?: number;
  readonly most?: number;
}

/** A parser for whole numbers within a range. */
export function wholeNumber({ least = 0, most = Number.MAX_SAFE_INTEGER }: Range = {}) {
  return (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const range =
      most === Number.MAX_SAFE_INTEGER ? `, at least ${least}` : ` from ${least} to ${most}`;
    throw new InvalidArgumentError(`Expected a whole number${range}.`);
  };
}

/** `--threads`, as every command that computes has it. */
export const threadsOption = (): Option =>
  new Option("--threads <n>", "threads that compute (default: physical cores)").argParser(
    wholeNumber({ least: 1, most: 1024 }),
  );

/** `--conv`: what it picks decides the last digits of all results. */
export const convOption = (): Option =>
  new Option(
    "--conv <how>",
    "convolutions by Winograd where that is faster, or directly, which rounds less",
  ).choices(convolutionModes);

/** `--isa`, for commands that measure: results of one instruction set are those of a machine without more. */
export const isaOption = (): Option =>
  new Option("--isa <name>", "instruction set (default: the best that the machine has)").choices(
    Object.keys(lanes),
  );

/** A parser for decimal numbers within a range. */
export function decimal({ least = 0, most = Number.MAX_VALUE }: Range = {}) {
  return (text: string): number => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const range = most === Number.MAX_VALUE ? `, at least ${least}` : ` from ${least} to ${most}`;
    throw new InvalidArgumentError(`Expected a number${range}.`);
  };
}

/** A parser for paths: an empty one is a shell's variable that nobody has set. */
export function path(text: string): string {
  if (text === "") throw new InvalidArgumentError("Expected a path.");
  return text;
}

/** A parser for `--checkpoint-every`: so many steps, or minutes. */
export function stepsOrMinutes(text: string): { steps: number } | { minutes: number } {
  const [, digits, fraction = "", minutes] = /^(\d{1,9})(\.\d{1,3})?(m?)$/.exec(text) ?? [];
  const value = Number(`${digits}${fraction}`);
  if (value > 0 && minutes === "m") return { minutes: value };
  if (value > 0 && fraction === "") return { steps: value };
  throw new InvalidArgumentError("Expected steps, such as 500, or minutes, such as 10m.");
}

/** The shape of what a network is given, as far as it was said. */
export interface InputShape {
  readonly batch?: number;
  readonly channels?: number;
  readonly size: readonly [height: number, width: number];
}

/** "64": the side; "48x64": height and width; before them channels, before these the batch. */
export function inputShape(text: string): InputShape {
  const parts = text.split(/[x×]/).map((part) => (/^[1-9]\d{0,8}$/.test(part) ? Number(part) : 0));
  if (parts.length > 4 || parts.includes(0)) {
    throw new InvalidArgumentError(
      "Expected a side, height and width, or channels, height and width, such as 64, 48x64 or 3x64x64.",
    );
  }
  const [width, height = width, channels, batch] = parts.reverse() as [number, ...number[]];
  return {
    size: [height, width],
    ...(channels !== undefined && { channels }),
    ...(batch !== undefined && { batch }),
  };
}

/** What help says of `inputShape`. */
export const inputHelp = "images, such as 64, 48x64 or 3x64x64 (default: the network's own)";

/** [n, c, h, w]: what was asked for, and for the rest the network's own. */
export const inputFor = (
  own: readonly [channels: number, height: number, width: number],
  given: InputShape | undefined,
  batch: number,
): [n: number, c: number, h: number, w: number] => [
  given?.batch ?? batch,
  given?.channels ?? own[0],
  ...(given?.size ?? ([own[1], own[2]] as const)),
];

/** A name that `openDataset` takes. (Shells leave the ~ of folder:~/pets to us.) */
export function datasetName(text: string): string {
  if (text.startsWith("folder:~/"))
    return `folder:${join(homedir(), text.slice("folder:~".length))}`;
  if (datasetNames.includes(text) || /^folder:./.test(text)) return text;
  const names = `${datasetNames.slice(0, -1).join(", ")} or ${datasetNames.at(-1)}`;
  const folder = existsSync(text) ? ` For your own images, say folder:${text}.` : "";
  throw new InvalidArgumentError(`Expected ${names}.${folder}`);
}

/** What help says of an option: its choices in words, and its default among them or behind. */
export function describeOption({ description, argChoices, defaultValue }: Option): string {
  const shown = defaultValue === undefined || defaultValue === true ? "" : String(defaultValue);
  if (!argChoices) return shown === "" ? description : `${description} (default: ${shown})`;
  const choices = argChoices.map((name) => (name === shown ? `${name} (default)` : name));
  return `${description}: ${choices.join(", ")}`;
}
