// The kernels of one instruction set by number. Compiled once per set.
#include "isa.h"
#include "kernels.h"
#include "peak.h"
#include "streaming.h"

namespace fovea::FOVEA_ISA {

#define FOVEA_TEXT(name) #name
#define FOVEA_NAME(name) FOVEA_TEXT(name)

// Behind one type each, the packed struct of a kernel being known from its number.
#define FOVEA_RUN(function, Args)                                        \
  [](const void* args, const Frame& frame) {                             \
    return function(*static_cast<const Args*>(args), frame);             \
  },
#define FOVEA_SCRATCH(function, Args)                                    \
  [](const void* args, int threads) {                                    \
    return function##Scratch(*static_cast<const Args*>(args), threads);  \
  },

extern const KernelTable table;
const KernelTable table = {
    FOVEA_NAME(FOVEA_ISA),
    {FOVEA_KERNELS(FOVEA_RUN)},
    {FOVEA_KERNELS(FOVEA_SCRATCH)},
    multiplyAdds,
    triad,
};

}  // namespace fovea::FOVEA_ISA
