//! The closed list of reasons for which a policy file, a key or a manifest is refused.

/// Every reason that a refusal of this crate gives, with when, whose fault and what to do. Sorted; stable across versions.
pub const REASONS: &[(&str, &str)] = &[
    ("host-too-old", "the policy needs a newer product: upgrade the product, then install the policy"),
    (
        "key-malformed",
        "the vendor's private key is not Ed25519 in PKCS#8 PEM: make one with openssl or `placet key new`",
    ),
    ("key-not-allowed", "the key is trusted, but not for a policy of this name: get the policy made for this product"),
    (
        "key-unknown",
        "none of the product's policy roots signed: a policy of another vendor, or a product older than the key",
    ),
    ("leb-non-minimal", "a length is written longer than needed, by the vendor's tools: encode the component anew"),
    ("manifest-format-unknown", "the manifest is of a later format than this product reads: upgrade the product"),
    (
        "manifest-invalid",
        "the vendor's manifest is no JSON, names a key twice, or has a field too many, too few or wrong",
    ),
    ("manifest-missing", "the vendor signed a component that was not packed: pack, then sign"),
    ("manifest-not-last", "a tool of the vendor wrote to the component after it was packed: pack last, then sign"),
    ("manifest-private-key", "the vendor put a private key among the trusted ones: replace that key, it was exposed"),
    ("manifest-second", "the vendor packed a packed component: pack the component as the compiler wrote it"),
    ("manifest-too-large", "the vendor's manifest is over 64 KiB: make it shorter"),
    ("policy-below-minimum", "the policy is older than the product or a license accepts at all: install a newer one"),
    ("policy-not-a-component", "the file is something else, or its beginning is gone: fetch the policy again"),
    ("policy-older", "a newer policy was adopted here before: install a newer one, or roll back on purpose"),
    (
        "policy-same-sequence-other-bytes",
        "the vendor gave one sequence to two policies: ask for one with a higher sequence",
    ),
    ("policy-too-large", "the file is over 4 MiB: it is not the policy, or the vendor must make it smaller"),
    ("root-duplicate", "a file of policy roots holds one key twice: keep one, with all its `Policy:` lines"),
    ("root-malformed", "a file of policy roots holds something other than Ed25519 `PUBLIC KEY` blocks: mend the file"),
    (
        "root-scope-malformed",
        "a line of a file of policy roots is no `Policy: vendor/product`, key or comment: mend the line",
    ),
    ("root-weak", "a policy root is a point of small order, by which anyone could sign: make another key"),
    ("section-malformed", "a section leads past the end of the file or has no proper name: fetch the policy again"),
    ("signature-invalid", "the signature is not the key's, by damage or forgery: fetch the policy again"),
    (
        "signature-malformed",
        "the signature section is not as the format demands: fetch the policy again, or sign it again",
    ),
    ("signature-many", "several hashes or signatures in the section: the vendor must sign with one key, and the whole"),
    (
        "signature-missing",
        "the policy is not signed: the vendor shipped the wrong file, or the signature was taken off",
    ),
    ("signature-other-content", "the signature is for other bytes, by damage or tampering: fetch the policy again"),
    ("signature-second", "the vendor signed a signed policy: sign the packed file, or ask to replace the signature"),
];
