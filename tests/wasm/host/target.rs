//! How NGINX reads a request target (`ngx_http_parse_complex_uri`, with `merge_slashes on`).

/// The path as `$uri` has it, with the query as it was sent; `None` where NGINX answers 400 itself.
pub(crate) fn as_nginx_reads(target: &[u8]) -> Option<Vec<u8>> {
    let end = target.iter().position(|&byte| matches!(byte, b'?' | b'#'));
    let (path, rest) = target.split_at(end.unwrap_or(target.len()));
    if path.first() != Some(&b'/') {
        return None;
    }
    let path = clean(&decoded(path)?)?;
    // A fragment ends the target; what follows the question mark is the query.
    let query = match rest.first() {
        Some(b'?') => rest.split(|&byte| byte == b'#').next().unwrap_or_default(),
        _ => &[],
    };
    Some([path.as_slice(), query].concat())
}

/// Every escape decoded, once.
fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            let byte = u8::from_str_radix(digits, 16).ok()?;
            if byte == 0 || digits.starts_with('+') {
                return None;
            }
            decoded.push(byte);
            rest = &after[2..];
        } else {
            if *first <= b' ' || *first == 0x7f {
                return None;
            }
            decoded.push(*first);
            rest = after;
        }
    }
    Some(decoded)
}

/// Without empty components and dots. A path above the root is refused.
fn clean(path: &[u8]) -> Option<Vec<u8>> {
    let mut components: Vec<&[u8]> = Vec::new();
    let mut is_folder = false;
    for component in path.split(|&byte| byte == b'/') {
        is_folder = matches!(component, b"" | b"." | b"..");
        match component {
            b"" | b"." => {}
            b".." => drop(components.pop()?),
            name => components.push(name),
        }
    }
    let mut clean = vec![b'/'];
    clean.extend(components.join(&b'/'));
    if is_folder && !components.is_empty() {
        clean.push(b'/');
    }
    Some(clean)
}
