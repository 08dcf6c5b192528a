// Draft → draft: picks how each convolution is computed, by what it would cost on a machine of these traits.
// Costs are estimates from the shape alone, never timings: the same network gives the same bits whenever and
// with however many threads it runs.

import type { Traits } from "../backends/backend.js";
import type { ConvAlgorithm, ConvGeometry, KernelCall } from "../backends/kernels.js";
import { takesWinograd } from "../backends/operands.js";
import { convMacs } from "../ops/conv.js";
import { productMacs, winogradTile } from "./cost.js";
import type { Draft } from "./ir.js";

export function chooseAlgorithms(draft: Draft, traits: Traits): Draft {
  const isTraining = draft.calls.some(({ kernel }) => kernel === "conv2dGradWeight");
  return { ...draft, calls: draft.calls.map((call) => withBest(call, traits, isTraining)) };
}

function withBest(call: KernelCall, traits: Traits, isTraining: boolean): KernelCall {
  if (!("algorithm" in call) || isSmall(call, isTraining)) return call;
  const [algorithm] = traits.convolutions
    .map(
      (name) =>
        [name, advantage(name, call, isTraining) * costOf(name, call, traits.lanes)] as const,
    )
    .filter(([, cost]) => Number.isFinite(cost))
    .reduce((best, next) => (next[1] < best[1] ? next : best));
  return { ...call, algorithm };
}

type ConvCall = Extract<KernelCall, { algorithm: ConvAlgorithm }>;

// Costs are in units of one multiply-add of a direct convolution whose channels fill whole vectors. The numbers
// are fits to what one thread takes, over layers of AlexNet, VGG, NiN, GoogLeNet and small networks, with AVX-512
// and with AVX2 (`make -C native/bench bench`). Of 250 passes of 42 layers they pick the algorithm measured fastest,
// advantages counted, for 214, one within 10% of it for 31, and one within 33% for the other 5.

/** A multiply-add of Winograd's products, whose operands come from memory rather than from a band in the cache. */
const productCost = 1.12;
/** A multiply-add of direct products of a single vector of columns, which load about as much as they multiply. */
const narrowCost = 1.3;
/** To transform a number of a tile, in or out: held up by memory, which longer vectors do not speed up. */
const transformCost = (lanes: number) => 5 + 0.6 * lanes;
/** To transform a filter's number: to gather its taps, and to pack or to add up what comes of them. */
const filterCost = 45;

/**
 * How much cheaper an algorithm that rounds more is to be: tiles of 6 round about 3 times as much as `direct`, tiles
 * of 8 about 8 times. In training, rounding in a result, unlike that in a gradient, decides ReLUs and maxima, which
 * gradients then follow: tiles of 8 must be worth it there, as they are for 5×5.
 */
const advantage = (algorithm: ConvAlgorithm, { kernel }: ConvCall, isTraining: boolean): number =>
  algorithm === "direct"
    ? 1
    : algorithm === "winograd6"
      ? 1.1
      : isTraining && kernel === "conv2d"
        ? 1.5
        : 1.2;

/**
 * Whether there is little to win, or few results to share what rounding does: a ReLU or a maximum that it decides
 * otherwise moves gradients by about one part in as many as there are pixels, and where a direct sum of few products
 * is exactly 0, Winograd leaves about 1e-8, of which Adam, with an ε of 1e-8, makes a step like any other.
 */
function isSmall({ geometry }: ConvCall, isTraining: boolean): boolean {
  const { batch, outSize } = geometry;
  return convMacs(geometry) < 2 ** 25 || (isTraining && batch * outSize[0] * outSize[1] < 1024);
}

/** Infinite where the algorithm cannot take the shape. */
function costOf(algorithm: ConvAlgorithm, call: ConvCall, lanes: number): number {
  const { geometry } = call;
  const { batch, groups } = geometry;
  const { inputs, outputs, size } = sidesOf(call);
  const filled = Math.ceil(outputs / lanes) * lanes;
  const macs = (productMacs(geometry, algorithm, size) / outputs) * filled;
  if (algorithm === "direct") {
    if (isInLanes(outputs, batch, lanes)) return convMacs(geometry);
    return outputs <= lanes ? narrowCost * macs : macs;
  }
  if (!takesWinograd(geometry)) return Number.POSITIVE_INFINITY;
  const points = groups * winogradTile[algorithm] ** 2;
  const tiles = macs / (points * inputs * filled);
  const vectors = Math.ceil(inputs / lanes) * lanes;
  return (
    productCost * macs +
    points * (transformCost(lanes) * tiles * (vectors + filled) + filterCost * inputs * filled)
  );
}

/** One group's input and output channels, and the size of the map that tiles are cut from. */
function sidesOf({ kernel, geometry }: ConvCall): {
  readonly inputs: number;
  readonly outputs: number;
  readonly size: ConvGeometry["outSize"];
} {
  const { groups, inChannels, outChannels, inSize, outSize } = geometry;
  return kernel === "conv2dGradInput"
    ? { inputs: outChannels / groups, outputs: inChannels / groups, size: inSize }
    : { inputs: inChannels / groups, outputs: outChannels / groups, size: outSize };
}

/**
 * Whether direct convolution puts images into the lanes of a vector, rather than channels: these are few, and at
 * most a third of the lanes stay empty (`lanesPay` in native/conv_lanes.h).
 */
const isInLanes = (channels: number, batch: number, lanes: number): boolean =>
  channels <= (lanes === 16 ? 8 : 7) && 3 * batch >= 2 * lanes * Math.ceil(batch / lanes);
