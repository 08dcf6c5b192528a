#include "isa.h"

namespace fovea {

#ifdef FOVEA_HAS_AVX512
namespace avx512 { extern const KernelTable table; }
#endif
#ifdef FOVEA_HAS_AVX2
namespace avx2 { extern const KernelTable table; }
#endif
namespace portable { extern const KernelTable table; }

std::vector<const KernelTable*> usableTables() {
  std::vector<const KernelTable*> tables;
#ifdef FOVEA_HAS_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
    tables.push_back(&avx512::table);
  }
#endif
#ifdef FOVEA_HAS_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    tables.push_back(&avx2::table);
  }
#endif
  tables.push_back(&portable::table);
  return tables;
}

}  // namespace fovea
