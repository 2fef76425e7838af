//! How the component is linked.

fn main() {
    println!("cargo::rerun-if-changed=../../wit");
    // `memcmp` and friends; nothing else of the C library is used, so that nothing of WASI is imported.
    println!("cargo::rustc-link-arg-cdylib=-lc");
    // The linker's own 1 MiB would be most of an instance's memory.
    println!("cargo::rustc-link-arg-cdylib=-zstack-size=131072");
}
