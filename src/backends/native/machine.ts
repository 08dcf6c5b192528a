// What this machine has to give: cores and memory, with the limits that a container sets. Linux says
// it in files; elsewhere little is known.

import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";

/** The text of a file; undefined if there is none. */
export type ReadFile = (path: string) => string | undefined;

const readTextFile: ReadFile = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/** Cores that this process may use, each counted once however many threads it runs. */
export function physicalCores(
  logical: number = availableParallelism(),
  read: ReadFile = readTextFile,
): number {
  const siblings = read("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list");
  const cores = Math.ceil(logical / countOfList(siblings ?? "0"));
  return Math.max(1, Math.min(cores, Math.ceil(quotaOfCores(read))));
}

/** How many numbers "0,64" or "0-1" lists. */
function countOfList(list: string): number {
  return list
    .trim()
    .split(",")
    .map((range) => range.split("-").map(Number))
    .reduce((count, [first, last]) => count + (last ?? first!) - first! + 1, 0);
}

/** Processors' worth of time that the control group may use. */
function quotaOfCores(read: ReadFile): number {
  let cores = Number.POSITIVE_INFINITY;
  for (const folder of groupFolders("/sys/fs/cgroup", unifiedGroup(read))) {
    const [quota, period] = (read(join(folder, "cpu.max")) ?? "max").trim().split(" ").map(Number);
    if (quota! > 0 && period! > 0) cores = Math.min(cores, quota! / period!);
  }
  return cores;
}

/** Bytes of memory that this process can still have; undefined if the system does not say. */
export function availableMemory(
  platform: NodeJS.Platform = process.platform,
  read: ReadFile = readTextFile,
): number | undefined {
  // macOS counts cached files as used: only its total is a bound that means something.
  if (platform === "darwin") return totalmem();
  const match = /^MemAvailable:\s*(\d+) kB/m.exec(read("/proc/meminfo") ?? "");
  if (!match) return undefined;
  return Math.max(0, Math.min(Number(match[1]) * 1024, ...groupRooms(read)));
}

/** What each control group above this process leaves it. */
function groupRooms(read: ReadFile): number[] {
  const rooms: number[] = [];
  const add = (folder: string, limit: string, usage: string, reclaimable: RegExp): void => {
    const most = Number(read(join(folder, limit)));
    const used = Number(read(join(folder, usage)));
    // Cached files count as used, but make room when asked to.
    const cached = Number(reclaimable.exec(read(join(folder, "memory.stat")) ?? "")?.[1] ?? 0);
    if (most > 0 && Number.isFinite(used)) rooms.push(most - used + cached);
  };
  for (const folder of groupFolders("/sys/fs/cgroup", unifiedGroup(read))) {
    add(folder, "memory.max", "memory.current", /^inactive_file (\d+)/m);
  }
  const group = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(read("/proc/self/cgroup") ?? "");
  for (const folder of groupFolders("/sys/fs/cgroup/memory", group?.[1])) {
    const stat = /^total_inactive_file (\d+)/m;
    add(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", stat);
  }
  return rooms;
}

/** Where version 2 of control groups has put this process. */
function unifiedGroup(read: ReadFile): string | undefined {
  return /^0::(.*)$/m.exec(read("/proc/self/cgroup") ?? "")?.[1];
}

/** The folder of a group and those above it: the limits of all of them hold. */
function groupFolders(mount: string, group = "/"): string[] {
  const folders: string[] = [];
  for (let at = join(mount, group); at.startsWith(mount); at = dirname(at)) folders.push(at);
  return folders;
}
