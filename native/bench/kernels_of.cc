// See kernels_of.h; compiled once per instruction set, like the kernels.
#include "kernels_of.h"
#include "../kernels.h"

#define FOVEA_STRING_(name) #name
#define FOVEA_STRING(name) FOVEA_STRING_(name)

namespace fovea::bench {

namespace isa = fovea::FOVEA_ISA;

extern const Kernels FOVEA_ISA;
const Kernels FOVEA_ISA = {
    FOVEA_STRING(FOVEA_ISA),
    {isa::matmul, isa::matmulScratch},
    {isa::conv2d, isa::conv2dScratch},
    {isa::conv2dGradInput, isa::conv2dGradInputScratch},
    {isa::conv2dGradWeight, isa::conv2dGradWeightScratch},
    {isa::maxPool2d, isa::maxPool2dScratch},
    {isa::maxPool2dGrad, isa::maxPool2dGradScratch},
    {isa::avgPool2d, isa::avgPool2dScratch},
    {isa::avgPool2dGrad, isa::avgPool2dGradScratch},
};

}  // namespace fovea::bench
