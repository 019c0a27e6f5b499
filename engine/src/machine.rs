//! The processor: whether it has the instructions that this program was built with.
//!
//! The program is built for the machine that builds it, since proofs take up to twice as long
//! without its wide instructions. A copy on an older machine would stop at the first of them.

/// One sentence on what this processor lacks, where it lacks something that the program was built
/// with. Every binary says it and ends before it does anything else.
#[must_use]
pub fn unfit_processor() -> Option<String> {
    let missing = missing_instructions();
    (!missing.is_empty()).then(|| {
        format!(
            "this program was built for a processor with {}, which this one lacks: build it on this \
             machine, or for any with RUSTFLAGS=\"\" cargo build --release",
            missing.join(", ")
        )
    })
}

// The standard library's own detection answers at compile time for instructions that are built in.
#[cfg(target_arch = "x86_64")]
fn missing_instructions() -> Vec<&'static str> {
    let cpuid = raw_cpuid::CpuId::new();
    let extended = cpuid.get_extended_feature_info();
    let has = |ask: fn(&raw_cpuid::ExtendedFeatures) -> bool| extended.as_ref().is_some_and(ask);
    let features = [
        ("AVX2", cfg!(target_feature = "avx2"), has(|e| e.has_avx2())),
        ("AVX-512F", cfg!(target_feature = "avx512f"), has(|e| e.has_avx512f())),
        ("AVX-512DQ", cfg!(target_feature = "avx512dq"), has(|e| e.has_avx512dq())),
        ("AVX-512VL", cfg!(target_feature = "avx512vl"), has(|e| e.has_avx512vl())),
        ("AVX-512BW", cfg!(target_feature = "avx512bw"), has(|e| e.has_avx512bw())),
        ("BMI2", cfg!(target_feature = "bmi2"), has(|e| e.has_bmi2())),
        ("ADX", cfg!(target_feature = "adx"), has(|e| e.has_adx())),
    ];
    let is_missing =
        |(name, built_in, there): (&'static str, bool, bool)| (built_in && !there).then_some(name);
    features.into_iter().filter_map(is_missing).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn missing_instructions() -> Vec<&'static str> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_machine_that_built_the_tests_can_run_them() {
        assert_eq!(super::unfit_processor(), None);
    }
}
