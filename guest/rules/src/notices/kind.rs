//! What a document is: what its key is for, and what its header says (RFC 8725 section 3.11, explicit typing).

/// A kind of document, and a use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What grants.
    License,
    /// What is withdrawn.
    Revocations,
    /// The vendor has heard of the installation.
    Receipt,
    /// Something to be done once.
    Order,
    /// What time it is.
    Anchor,
}

impl Kind {
    const ALL: [Self; 5] = [Self::License, Self::Revocations, Self::Receipt, Self::Order, Self::Anchor];

    /// As a manifest and a status spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::License => "license",
            Self::Revocations => "revocations",
            Self::Receipt => "receipt",
            Self::Order => "order",
            Self::Anchor => "anchor",
        }
    }

    /// By its name. None: of a newer vendor.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// By the header parameter `typ` of RFC 7515 section 4.1.9, such as `order+jwt`, in letters of either case. None: it says something
    /// else, such as `JWT`.
    pub fn typed(typ: &str) -> Option<Self> {
        let typ = typ.to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        typ.strip_suffix("+jwt").and_then(Self::named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_from_the_header_alone_if_it_is_one_of_ours() {
        assert_eq!(Kind::typed("order+jwt"), Some(Kind::Order));
        assert_eq!(Kind::typed("application/Revocations+JWT"), Some(Kind::Revocations));
        for other in ["", "JWT", "order", "orders+jwt", "+jwt", "text/order+jwt"] {
            assert_eq!(Kind::typed(other), None, "{other}");
        }
    }
}
