//! Reading a `WWW-Authenticate` value as the registry writes it, independently of the filter.
//!
//! `Bearer name="value",name="value"`, a comma alone between the parameters, every value quoted by
//! Go's `strconv.Quote`.

/// The parameters, in order, their values unquoted.
pub fn parse(value: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut rest = value
        .strip_prefix(b"Bearer ")
        .ok_or("it does not begin with `Bearer `")?;
    let mut parameters = Vec::new();
    loop {
        let sign = rest
            .iter()
            .position(|&byte| byte == b'=')
            .ok_or("a parameter has no `=`")?;
        let name = &rest[..sign];
        if name.is_empty() || !name.iter().all(u8::is_ascii_lowercase) {
            return Err(format!("not a parameter's name: {}", name.escape_ascii()));
        }
        let (value, after) = unquote(&rest[sign + 1..])?;
        parameters.push((String::from_utf8_lossy(name).into_owned(), value));
        rest = match after {
            [] => return Ok(parameters),
            [b',', rest @ ..] => rest,
            other => return Err(format!("no comma before {}", other.escape_ascii())),
        };
    }
}

/// Takes one Go-quoted string off the front: its value, and what follows.
fn unquote(text: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let mut rest = text.strip_prefix(b"\"").ok_or("a value is not quoted")?;
    let mut value = Vec::new();
    loop {
        rest = match rest {
            [] => return Err("a quote is not closed".to_owned()),
            [b'"', after @ ..] => return Ok((value, after)),
            [b'\\', escape, after @ ..] => unescape(*escape, after, &mut value)?,
            [byte, ..] if byte.is_ascii_control() => {
                return Err(format!("a raw control byte {byte:#04x}"));
            }
            [byte, after @ ..] => {
                value.push(*byte);
                after
            }
        };
    }
}

fn unescape<'a>(escape: u8, rest: &'a [u8], value: &mut Vec<u8>) -> Result<&'a [u8], String> {
    let plain = match escape {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' | b'"' => escape,
        b'x' => {
            let (number, rest) = hexadecimal(rest, 2)?;
            value.push(u8::try_from(number).map_err(|error| error.to_string())?);
            return Ok(rest);
        }
        b'u' | b'U' => {
            let (number, rest) = hexadecimal(rest, if escape == b'u' { 4 } else { 8 })?;
            let character = char::from_u32(number).ok_or("an escape is no character")?;
            value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(rest);
        }
        other => return Err(format!("Go has no escape \\{}", char::from(other))),
    };
    value.push(plain);
    Ok(rest)
}

fn hexadecimal(text: &[u8], digits: usize) -> Result<(u32, &[u8]), String> {
    let (number, rest) = text
        .split_at_checked(digits)
        .ok_or("an escape is cut short")?;
    let number = std::str::from_utf8(number).map_err(|error| error.to_string())?;
    Ok((
        u32::from_str_radix(number, 16).map_err(|error| error.to_string())?,
        rest,
    ))
}
