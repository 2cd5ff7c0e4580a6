//! A signature that is known to be right, and the same with one bit changed.
//!
//! The key, message and signature of RFC 7515 appendix A.2 (RS256).

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::keys::signature::VerifyingKey;

const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const EXPONENT: &str = "AQAB";
const MESSAGE: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// Whether `verify` accepts the right signature and refuses the wrong one.
pub(super) fn holds(verify: impl Fn(&VerifyingKey, &str, &[u8], &[u8]) -> bool) -> bool {
    let decode = |text| Base64UrlUnpadded::decode_vec(text).unwrap_or_default();
    let (right, mut wrong) = (decode(SIGNATURE), decode(SIGNATURE));
    if let Some(last) = wrong.last_mut() {
        *last ^= 1;
    }
    VerifyingKey::rsa(&decode(MODULUS), &decode(EXPONENT)).is_some_and(|key| {
        let verify = |signature: &[u8]| verify(&key, "sha256", MESSAGE.as_bytes(), signature);
        verify(&right) && !verify(&wrong)
    })
}
