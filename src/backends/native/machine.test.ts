import { expect, test } from "vitest";
import { availableMemory, physicalCores, type ReadFile } from "./machine.js";

const reading =
  (files: Readonly<Record<string, string>>): ReadFile =>
  (path) =>
    files[path];

const meminfo = { "/proc/meminfo": "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n" };

test("memory is what the system says is available", () => {
  expect(availableMemory("linux", reading(meminfo))).toBe(8000 * 1024);
  expect(availableMemory("linux", reading({}))).toBeUndefined();
  expect(availableMemory("darwin", reading({}))).toBeGreaterThan(0);
});

test("memory is bounded by every control group above (version 2)", () => {
  const files = {
    ...meminfo,
    "/proc/self/cgroup": "0::/a/b\n",
    "/sys/fs/cgroup/a/b/memory.max": "max\n",
    "/sys/fs/cgroup/a/b/memory.current": "1000\n",
    "/sys/fs/cgroup/a/memory.max": "500000\n",
    "/sys/fs/cgroup/a/memory.current": "200000\n",
    "/sys/fs/cgroup/a/memory.stat": "file 70000\ninactive_file 50000\n",
  };
  expect(availableMemory("linux", reading(files))).toBe(350_000);
});

test("memory is bounded by the control group (version 1)", () => {
  const files = {
    ...meminfo,
    "/proc/self/cgroup": "9:cpu,cpuacct:/x\n4:memory:/x\n0::/\n",
    "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "600000\n",
    "/sys/fs/cgroup/memory/x/memory.usage_in_bytes": "500000\n",
  };
  expect(availableMemory("linux", reading(files))).toBe(100_000);
});

test("cores count once however many threads they run, and within the quota", () => {
  const siblings = "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list";
  expect(physicalCores(8, reading({}))).toBe(8);
  expect(physicalCores(8, reading({ [siblings]: "0,4\n" }))).toBe(4);
  expect(physicalCores(8, reading({ [siblings]: "0-1\n" }))).toBe(4);
  const quota = { "/proc/self/cgroup": "0::/x\n", "/sys/fs/cgroup/x/cpu.max": "150000 100000\n" };
  expect(physicalCores(8, reading(quota))).toBe(2);
  expect(physicalCores(1, reading({ [siblings]: "0-1\n" }))).toBe(1);
});
