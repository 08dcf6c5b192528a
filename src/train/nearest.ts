// Which name was probably meant: for state dicts whose names differ a little. Browser-safe.

import { distance } from "fastest-levenshtein";

/** Longer names, and more of them, are not compared: both may come from a stranger's file. */
const [longest, most] = [200, 2000];

/**
 * The one of `names` that takes the fewest changes to become `name`; undefined where it would take so
 * many (half of its letters) that it is another word. One that lies within another module takes one:
 * "module.0.bias" for "0.bias", as what wraps networks names its tensors.
 */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  if (name.length > longest) return undefined;
  let [nearest, fewest] = [undefined as string | undefined, Number.POSITIVE_INFINITY];
  let compared = 0;
  for (const other of names) {
    if (compared++ === most) break;
    if (other.length > longest) continue;
    const changes = isBehind(name, other) || isBehind(other, name) ? 1 : distance(name, other);
    if (changes < fewest) [nearest, fewest] = [other, changes];
  }
  return nearest !== undefined && 2 * fewest < Math.max(name.length, nearest.length)
    ? nearest
    : undefined;
}

const isBehind = (name: string, other: string) => other.endsWith(`.${name}`);
