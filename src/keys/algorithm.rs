//! Signature algorithms by the names JOSE gives them (RFC 7518 section 3.1, RFC 8037 section 3.1).

use super::public_key::{Curve, KeyMaterial};

/// A signature algorithm that a trusted key can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, and a salt as long as the hash.
    Ps256,
    /// RSASSA-PSS with SHA-384, and a salt as long as the hash.
    Ps384,
    /// RSASSA-PSS with SHA-512, and a salt as long as the hash.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// What a token's `alg` says, compared with case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The curve of its keys, if it is ECDSA; each curve has one algorithm (RFC 7518 section 3.4).
    #[must_use]
    pub const fn curve(self) -> Option<Curve> {
        match self {
            Self::Es256 => Some(Curve::P256),
            Self::Es384 => Some(Curve::P384),
            Self::Es512 => Some(Curve::P521),
            Self::Rs256 | Self::Rs384 | Self::Rs512 => None,
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::EdDsa => None,
        }
    }

    /// Whether a key of these numbers can sign with it.
    #[must_use]
    pub fn fits(self, key: &KeyMaterial) -> bool {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                matches!(key, KeyMaterial::Rsa { .. })
            }
            Self::Es256 | Self::Es384 | Self::Es512 => {
                matches!(key, KeyMaterial::Ec { curve, .. } if self.curve() == Some(*curve))
            }
            Self::EdDsa => matches!(key, KeyMaterial::Ed25519 { .. }),
        }
    }
}
