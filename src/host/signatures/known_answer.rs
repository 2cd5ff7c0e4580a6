//! For each kind of keys a signature that is known to be right, and the same with one bit changed.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::keys::public_key::{Curve, PublicKey};
use crate::keys::signature::{Algorithm, VerifyingKey};

/// A published signature, its numbers in base64url.
pub(super) struct KnownAnswer {
    pub(super) kind: &'static str,
    algorithm: Algorithm,
    key: Numbers,
    message: &'static str,
    signature: &'static str,
}

enum Numbers {
    Rsa {
        n: &'static str,
        e: &'static str,
    },
    Ec {
        curve: Curve,
        x: &'static str,
        y: &'static str,
    },
}

/// RFC 7515 appendix A.2 (RS256).
pub(super) static RSA: KnownAnswer = KnownAnswer {
    kind: "RSA",
    algorithm: Algorithm::Rs256,
    key: Numbers::Rsa {
        n: "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        e: "AQAB",
    },
    message: "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    signature: "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
};

/// RFC 6979 appendix A.2.5.
pub(super) static P256: KnownAnswer = KnownAnswer {
    kind: "P-256",
    algorithm: Algorithm::Es256,
    key: Numbers::Ec {
        curve: Curve::P256,
        x: "YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y",
        y: "eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk",
    },
    message: "sample",
    signature: "79SLKqy2qP0RQN2c1F6B1p0sh3tWqvmRw00OqE6vNxb3yxyULWV8QdQ2x6G24p9l8-kA27mv9AZNxKsvhDrNqA",
};

/// RFC 6979 appendix A.2.6.
pub(super) static P384: KnownAnswer = KnownAnswer {
    kind: "P-384",
    algorithm: Algorithm::Es384,
    key: Numbers::Ec {
        curve: Curve::P384,
        x: "7DpOQVtOGaRWhhgCn0J_pdqai8SukuAuBqrlKGswDGTe-PDqkFWGYGSiVFFUgLwT",
        y: "gBXZty19VyROqO-awMYhiWcIpZNn-d-59UyoSz8cnbEoiyMcOuDU_nNE_SUzJkcg",
    },
    message: "sample",
    signature: "lO27kqXsuKrUc25WxpGRaz-IFAZmzp-nPWTE6pWtEzyBpkgVLkSs-W423R6A-r5Gme9K6xXxeM6h_kDbJgMTjxMOdAoZYkUmIDtjUdCjqU-jKcFFeG5nnnuCxxo4YorI",
};

/// RFC 6979 appendix A.2.7.
pub(super) static P521: KnownAnswer = KnownAnswer {
    kind: "P-521",
    algorithm: Algorithm::Es512,
    key: Numbers::Ec {
        curve: Curve::P521,
        x: "AYlFUNB4WTLgDqojtpTyE_jDEh-G3JegTlpxZ9tOW803ESPUbkXba11TcKfyD7YzFV04_6FtK9dh3KxHS5ovUCOk",
        y: "AEkxAclizU0v3feCKF5kWEE5wvkbR_h_-CNU1mMPdGoooNsldBtbNKgoAIsirMI_kk-q-9TTP4HqZpVt_qor_fz1",
    },
    message: "sample",
    signature: "AMMo-vy9ed13hQNwxGMl2YfLUlVp-2PF07xTlQ5tTF8XTiWh7pAXtdRQYGrdFStTSTHX1OhFXMkfmxW_Bew243f6AGF8znz1BkgGxGf2eNO0CA1vHMUK8myiCUFzCCgbaK8oJiPqpj5bXAcj2LjDf_B3exog-Myx3MxDmX8e4ORNpKZ6",
};

impl KnownAnswer {
    /// Whether `verify` accepts the right signature and refuses the wrong one.
    pub(super) fn holds(
        &self,
        verify: impl Fn(&VerifyingKey, Algorithm, &[u8], &[u8]) -> bool,
    ) -> bool {
        let (right, mut wrong) = (decode(self.signature), decode(self.signature));
        if let Some(last) = wrong.last_mut() {
            *last ^= 1;
        }
        self.key().is_some_and(|key| {
            let message = self.message.as_bytes();
            let verify = |signature: &[u8]| verify(&key, self.algorithm, message, signature);
            verify(&right) && !verify(&wrong)
        })
    }

    fn key(&self) -> Option<VerifyingKey> {
        let key = match self.key {
            Numbers::Rsa { n, e } => PublicKey::rsa(&decode(n), &decode(e)),
            Numbers::Ec { curve, x, y } => PublicKey::ec(curve, &decode(x), &decode(y)),
        };
        VerifyingKey::new(&key.ok()?)
    }
}

fn decode(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).unwrap_or_default()
}
