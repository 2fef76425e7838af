//! Linked as the default policy is.

fn main() {
    println!("cargo::rerun-if-changed=../../wit");
    println!("cargo::rustc-link-arg-cdylib=-lc");
    println!("cargo::rustc-link-arg-cdylib=-zstack-size=131072");
}
