//! Looks at a component's code before the compiler does. What the compiler needs grows faster than what it is given: a single
//! function of 4 MiB would keep it busy for half an hour.

use wasmparser::{BinaryReaderError, Parser, Payload};

use crate::limits;

/// The code is more than a compiler should be given. Whose fault: the policy's vendor.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeSizeError {
    /// It cannot be taken apart.
    #[error("the policy is no WebAssembly")]
    Invalid(#[from] BinaryReaderError),
    /// One function is too long.
    #[error("a function of the policy has {0} bytes, and may have {max}", max = limits::FUNCTION)]
    Function(u64),
    /// One function has too many variables.
    #[error("a function of the policy has {0} local variables, and may have {max}", max = limits::LOCALS)]
    Locals(u32),
    /// One function, or one block, takes and gives too many values.
    #[error("a function of the policy takes and gives {0} values, and may {max}", max = limits::SIGNATURE)]
    Signature(usize),
    /// All functions together are too long.
    #[error("the functions of the policy have more than {max} bytes together", max = limits::CODE)]
    Code,
}

/// Whether a compiler may be given this component.
pub(crate) fn check(component: &[u8]) -> Result<(), CodeSizeError> {
    let mut code = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::TypeSection(types) => {
                for ty in types.into_iter_err_on_gc_types() {
                    let ty = ty?;
                    let values = ty.params().len() + ty.results().len();
                    if values > limits::SIGNATURE {
                        return Err(CodeSizeError::Signature(values));
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                let length = range.end.saturating_sub(range.start);
                if length > limits::FUNCTION {
                    return Err(CodeSizeError::Function(length));
                }
                code += length;
                if code > limits::CODE {
                    return Err(CodeSizeError::Code);
                }
                let mut locals = 0_u32;
                for group in body.get_locals_reader()? {
                    locals = locals.saturating_add(group?.0);
                }
                if locals > limits::LOCALS {
                    return Err(CodeSizeError::Locals(locals));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
