//! The outside of a component file: header and top-level sections, read without looking into them.
//!
//! Source: the WebAssembly component model, `Binary.md`; custom sections as in the core specification, appendix "Custom
//! Sections". Nested modules and components are payload here, so nothing inside them can pass for a section of ours.

use std::ops::Range;

/// The largest policy file that is looked at, in bytes. A policy is a few hundred KiB; four MiB bound what a hostile file
/// can make a host read and hash.
pub const MAX_POLICY: usize = 4 * 1024 * 1024;

/// Name of the custom section that holds the signature; the first section of a signed policy.
pub const SIGNATURE_SECTION: &str = "signature";

/// Name of the custom section that holds the manifest; the last section of a policy.
pub const MANIFEST_SECTION: &str = "placet:manifest";

/// Magic, version 13 and layer 1: a component. A core module has `01 00 00 00` in the second half.
pub(crate) const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";

const CUSTOM: u8 = 0;

/// The file is not a component whose sections can be told apart. The fault is the file's: cut, damaged, or another file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Longer than [`MAX_POLICY`].
    #[error("the file has {size} bytes, a policy has at most {MAX_POLICY}; is it the right file?")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
    },
    /// Does not begin with a component header.
    #[error("the file is not a WebAssembly component; pack the component, not a core module or its text")]
    NotAComponent,
    /// A length leads past the end, or is no 32-bit number.
    #[error("the length at byte {offset} leads past the end; the file is cut or damaged, fetch it again")]
    Length {
        /// Where the length stands, counted from the start of the file.
        offset: usize,
    },
    /// A length is written with more bytes than it needs, which would give one policy several encodings.
    #[error(
        "the length at byte {offset} is written longer than needed; encode the component anew, with minimal lengths"
    )]
    NonMinimal {
        /// Where the length stands, counted from the start of the file.
        offset: usize,
    },
    /// The name of a custom section is not UTF-8.
    #[error("the section at byte {offset} has a name that is not UTF-8; the file is damaged, fetch it again")]
    SectionName {
        /// Where the section starts, counted from the start of the file.
        offset: usize,
    },
}

impl FormatError {
    /// The reason from [`REASONS`](crate::REASONS).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "policy-too-large",
            Self::NotAComponent => "policy-not-a-component",
            Self::Length { .. } | Self::SectionName { .. } => "section-malformed",
            Self::NonMinimal { .. } => "leb-non-minimal",
        }
    }
}

/// One top-level section.
#[derive(Debug, Clone)]
pub(crate) struct Section<'a> {
    pub(crate) id: u8,
    /// Where it stands in the file, its id and length included.
    pub(crate) range: Range<usize>,
    /// Present for custom sections.
    pub(crate) name: Option<&'a str>,
    /// What follows the length, or for a custom section its name.
    pub(crate) payload: Payload<'a>,
}

/// Bytes that know where in the file they stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) offset: usize,
}

/// The sections of a component in file order. After an error there are no more.
#[derive(Debug, Clone)]
pub(crate) struct Sections<'a> {
    reader: Reader<'a>,
}

impl<'a> Sections<'a> {
    /// Checks size and header.
    pub(crate) fn of(file: &'a [u8]) -> Result<Self, FormatError> {
        if file.len() > MAX_POLICY {
            return Err(FormatError::TooLarge { size: file.len() });
        }
        let bytes = file.strip_prefix(&HEADER).ok_or(FormatError::NotAComponent)?;
        Ok(Self { reader: Reader::new(Payload { bytes, offset: HEADER.len() }) })
    }

    /// What no section was read from yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.reader.bytes
    }

    fn section(&mut self) -> Result<Section<'a>, FormatError> {
        let start = self.reader.offset;
        let id = self.reader.byte()?;
        let mut payload = self.reader.slice()?;
        let mut name = None;
        if id == CUSTOM {
            let mut inner = Reader::new(payload);
            let bytes = inner.slice()?.bytes;
            name = Some(str::from_utf8(bytes).map_err(|_| FormatError::SectionName { offset: start })?);
            payload = Payload { bytes: inner.bytes, offset: inner.offset };
        }
        Ok(Section { id, range: start..self.reader.offset, name, payload })
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Result<Section<'a>, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.bytes.is_empty() {
            return None;
        }
        let section = self.section();
        if section.is_err() {
            self.reader.bytes = &[];
        }
        Some(section)
    }
}

/// Reads numbers and slices from the front of some bytes.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(payload: Payload<'a>) -> Self {
        Self { bytes: payload.bytes, offset: payload.offset }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, FormatError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let offset = self.offset;
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(FormatError::Length { offset })?;
        self.advance(rest, N);
        Ok(*taken)
    }

    /// An unsigned LEB128 of at most 32 bits, in its shortest form.
    pub(crate) fn leb(&mut self) -> Result<u32, FormatError> {
        let offset = self.offset;
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte().map_err(|_| FormatError::Length { offset })?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0x0f {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                // A last byte of zero adds nothing: the number would have fitted without it.
                return if byte == 0 && shift > 0 { Err(FormatError::NonMinimal { offset }) } else { Ok(value) };
            }
        }
        Err(FormatError::Length { offset })
    }

    /// A length and as many bytes.
    pub(crate) fn slice(&mut self) -> Result<Payload<'a>, FormatError> {
        let offset = self.offset;
        let length = usize::try_from(self.leb()?).map_err(|_| FormatError::Length { offset })?;
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(FormatError::Length { offset })?;
        let payload = Payload { bytes: taken, offset: self.offset };
        self.advance(rest, length);
        Ok(payload)
    }

    fn advance(&mut self, rest: &'a [u8], by: usize) {
        self.bytes = rest;
        self.offset += by;
    }
}

/// Appends an unsigned LEB128 in its shortest form.
pub(crate) fn put_leb(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a length and the bytes.
pub(crate) fn put_slice(out: &mut Vec<u8>, bytes: &[u8]) {
    put_leb(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends a custom section.
pub(crate) fn put_custom(out: &mut Vec<u8>, name: &str, payload: &[u8]) {
    let mut content = Vec::with_capacity(name.len() + payload.len() + 1);
    put_slice(&mut content, name.as_bytes());
    content.extend_from_slice(payload);
    out.push(CUSTOM);
    put_slice(out, &content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leb(bytes: &[u8]) -> Result<u32, FormatError> {
        Reader::new(Payload { bytes, offset: 0 }).leb()
    }

    #[test]
    fn a_number_is_read_as_it_was_written() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, MAX_POLICY as u32, u32::MAX] {
            let mut out = Vec::new();
            put_leb(&mut out, value as usize);
            assert_eq!(leb(&out), Ok(value));
        }
    }

    #[test]
    fn a_number_is_refused_when_long_when_cut_and_when_over_32_bits() {
        assert_eq!(leb(&[0x80, 0x00]), Err(FormatError::NonMinimal { offset: 0 }));
        assert_eq!(leb(&[0xff, 0x80, 0x00]), Err(FormatError::NonMinimal { offset: 0 }));
        assert_eq!(leb(&[0xff, 0xff, 0xff, 0xff, 0x1f]), Err(FormatError::Length { offset: 0 }));
        assert_eq!(leb(&[0xff, 0xff, 0xff, 0xff, 0x8f, 0x00]), Err(FormatError::Length { offset: 0 }));
        assert_eq!(leb(&[0x80]), Err(FormatError::Length { offset: 0 }));
    }
}
