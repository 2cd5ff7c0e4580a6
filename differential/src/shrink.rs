//! Makes a failing case smaller while it still fails in the same way.

use testbed::Result;
use toml::Table;

use crate::case::Case;
use crate::generate::settle;
use crate::judge::{Judge, Judged};
use crate::verdict::{Failure, Verdict};
use crate::way::Way;
use corpus::bytes::Bytes;
use corpus::token::Token;

/// The most cases that are tried for one failure.
const MAX_TRIALS: usize = 400;

/// The smallest case found that fails like this one, and what came of it.
///
/// # Errors
/// Those of judging.
pub(crate) async fn shrink(
    judge: &mut Judge<'_>,
    case: Case,
    way: Way,
    failure: Failure,
    first: Judged,
) -> Result<(Case, Judged)> {
    let (mut smallest, mut judged) = (case, first);
    let mut trials = 0;
    'smaller: loop {
        for candidate in candidates(&smallest) {
            if trials == MAX_TRIALS {
                break 'smaller;
            }
            trials += 1;
            let tried = judge.judge(&candidate, way).await?;
            if let Some(tried) = tried
                && matches!(tried.verdict, Verdict::Failed(found, _) if found == failure)
            {
                (smallest, judged) = (candidate, tried);
                continue 'smaller;
            }
        }
        break;
    }
    Ok((smallest, judged))
}

/// Cases with one thing less.
fn candidates(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut smaller = case.clone();
        change(&mut smaller);
        if smaller != *case {
            all.push(smaller);
        }
    };
    with(&|case| case.token = None);
    with(&|case| {
        case.token = case.token.as_ref().map(|token| Token {
            access: token.access.clone(),
            ..Token::default()
        });
    });
    with(&|case| case.request.authorization = None);
    with(&|case| case.request.content_type.clear());
    with(&|case| case.request.headers.clear());
    with(&|case| case.request.body.clear());
    with(&|case| case.request.target = "/v2/group/app/tags/list".into());
    with(&|case| case.request.target = "/v2/".into());
    with(&|case| case.request.method = "GET".to_owned());
    let target = case.request.target.to_vec();
    if let Some(mark) = target.iter().position(|&byte| byte == b'?') {
        with(&|case| case.request.target = Bytes::new(target.get(..mark).unwrap_or_default()));
    }
    for at in 0..case.request.content_type.len() {
        with(&|case| drop(case.request.content_type.remove(at)));
    }
    for at in 0..case.request.authorization.as_ref().map_or(0, Vec::len) {
        with(&|case| {
            if let Some(values) = &mut case.request.authorization {
                values.remove(at);
            }
        });
    }
    for at in 0..case.edits.len() {
        with(&|case| {
            case.edits.remove(at);
        });
    }
    if let Some(token) = &case.token {
        for smaller in smaller_tokens(token) {
            with(&|case| case.token = Some(smaller.clone()));
        }
    }
    // Pieces of the target, the long ones first.
    for length in [64, 16, 4, 1] {
        for start in (1..target.len()).step_by(length) {
            let mut shorter = target.clone();
            shorter.drain(start..(start + length).min(target.len()));
            with(&|case| case.request.target = Bytes::new(&shorter));
        }
    }
    all
}

fn smaller_tokens(token: &Token) -> Vec<Token> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Token)| {
        let mut smaller = token.clone();
        change(&mut smaller);
        settle(&mut smaller);
        if smaller != *token {
            all.push(smaller);
        }
    };
    with(&|token| token.key = None);
    with(&|token| token.kid = Default::default());
    with(&|token| (token.algorithm, token.secret, token.salt) = (None, None, None));
    with(&|token| token.header.clear());
    with(&|token| token.claims.clear());
    with(&|token| token.rename.clear());
    with(&|token| token.claims_before = None);
    with(&|token| token.claims_after = None);
    with(&|token| token.filler = None);
    with(&|token| token.payload = None);
    with(&|token| token.payload_before = None);
    with(&|token| token.payload_after = None);
    with(&|token| token.mutation = None);
    with(&|token| token.access = None);
    with(&|token| token.access = Some(Vec::new()));
    for at in 0..token.access.as_ref().map_or(0, Vec::len) {
        with(&|token| {
            if let Some(access) = &mut token.access {
                access.remove(at);
            }
        });
    }
    let without = |members: &Table, name: &str| {
        let mut members = members.clone();
        members.remove(name);
        members
    };
    for name in token.header.keys() {
        with(&|token| token.header = without(&token.header, name));
    }
    for name in token.claims.keys() {
        with(&|token| token.claims = without(&token.claims, name));
    }
    all
}
