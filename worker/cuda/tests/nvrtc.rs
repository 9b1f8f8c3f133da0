//! NVRTC compiles the kernels. This needs no GPU, but NVRTC: `make test-cuda` sees to it.

use assay_cuda::gpu::compile;

/// Compute capabilities of Turing, Ampere, Ada, Hopper and Blackwell.
const CAPABILITIES: [i32; 5] = [75, 80, 89, 90, 100];

fn ptx(capability: i32) -> String {
    let image = compile(capability).expect("the kernels compile");
    let bytes = image.iter().map(|byte| byte.cast_unsigned()).filter(|byte| *byte != 0);
    String::from_utf8(bytes.collect()).expect("PTX is ASCII")
}

#[test]
#[ignore = "needs NVRTC; `make test-cuda` runs it"]
fn nothing_is_contracted_approximated_or_flushed() {
    for capability in CAPABILITIES {
        let ptx = ptx(capability);
        assert!(ptx.contains("add.rn.f32") && ptx.contains("div.rn.f32") && ptx.contains("sqrt.rn.f32"));
        for line in ptx.lines() {
            let instruction = line.split_whitespace().next().unwrap_or_default();
            assert!(!instruction.contains(".ftz"), "{capability}: {line}");
            assert!(!instruction.contains(".approx"), "{capability}: {line}");
            assert!(!instruction.starts_with("fma."), "{capability}: {line}");
        }
    }
}

#[test]
#[ignore = "needs NVRTC; `make test-cuda` runs it"]
fn tensor_cores_are_used_where_there_are_some() {
    let instruction = "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32";
    assert!(!ptx(75).contains(instruction));
    assert!(ptx(80).contains(instruction));
}
