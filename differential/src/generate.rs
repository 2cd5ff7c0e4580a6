//! Cases nobody wrote down: a request by the registry's grammar, damaged in no or some places, with
//! a token that fits it, damaged in no or some places.
//!
//! Half of what is generated should pass, so that both sides of every decision are met. What is
//! generated is harmless: nothing that exists is deleted or overwritten, bodies are short, and
//! uploads that begin are left alone in storage that is thrown away.

mod fields;
mod path;
mod query;
mod token;

use crate::case::Case;
use crate::dice::Dice;
use corpus::bytes::Bytes;
use corpus::case::Request;

pub(crate) use path::Path;
pub(crate) use token::settle;

/// Makes the cases of a seed.
pub(crate) struct Generator {
    seed: u64,
    /// The cases of the corpus, which come first and are then the ground for mutations.
    corpus: Vec<Case>,
}

impl Generator {
    pub(crate) fn new(seed: u64, corpus: Vec<Case>) -> Self {
        Self { seed, corpus }
    }

    /// How many of the first cases are the corpus's own.
    pub(crate) fn written(&self) -> u64 {
        u64::try_from(self.corpus.len()).unwrap_or(u64::MAX)
    }

    /// The case of a number. The corpus's own come first, as they are.
    pub(crate) fn case(&self, number: u64) -> Case {
        let written = usize::try_from(number).ok();
        if let Some(case) = written.and_then(|index| self.corpus.get(index)) {
            let mut case = case.clone();
            spare(&mut case.request);
            return case;
        }
        let mut dice = Dice::of_case(self.seed, number);
        if !self.corpus.is_empty() && dice.percent(12) {
            return self.mutated(&mut dice);
        }
        case(&mut dice)
    }

    /// A case of the corpus with something changed, or the request of one with the token of
    /// another.
    fn mutated(&self, dice: &mut Dice) -> Case {
        let pick = |dice: &mut Dice| {
            let index = dice.number(..self.corpus.len());
            self.corpus.get(index).cloned().unwrap_or_default()
        };
        let mut case = pick(dice);
        spare(&mut case.request);
        if dice.percent(40) {
            case.token = pick(dice).token;
        }
        if dice.percent(50) {
            damage_target(&mut case.request, dice);
        }
        if dice.percent(25) {
            fields::authorization(&mut case.request, dice);
        }
        if dice.percent(25) {
            fields::body(&mut case.request, dice);
        }
        if let Some(token) = &mut case.token
            && dice.percent(50)
        {
            token::damage(token, &mut case.edits, dice);
        }
        case
    }
}

fn case(dice: &mut Dice) -> Case {
    let method = dice.weighted(&[
        (40, "GET"),
        (8, "HEAD"),
        (16, "POST"),
        (9, "PUT"),
        (7, "PATCH"),
        (9, "DELETE"),
        (6, "OPTIONS"),
        (1, "TRACE"),
        (1, "FOO"),
        (1, "get"),
        (1, "PROPFIND"),
        (1, "M-SEARCH"),
    ]);
    let path = Path::random(dice);
    let query = query::random(dice);
    let mut request = Request {
        method: method.to_owned(),
        target: Bytes::Text(format!("{}{query}", path.text())),
        ..Request::default()
    };
    spare(&mut request);
    if dice.percent(24) {
        damage_target(&mut request, dice);
    }
    fields::body(&mut request, dice);
    let token = dice.percent(85);
    let token = token.then(|| token::fitting(method, &path, &query, dice));
    let (token, edits) = token.unzip();
    if token.is_some() || dice.percent(30) {
        fields::authorization(&mut request, dice);
    }
    if dice.percent(4) {
        fields::further(&mut request, dice);
    }
    Case {
        request,
        token,
        edits: edits.unwrap_or_default(),
    }
}

fn damage_target(request: &mut Request, dice: &mut Dice) {
    let mut target = request.target.to_vec();
    for _ in 0..dice.number(1..=3) {
        path::damage(&mut target, dice);
    }
    request.target = Bytes::new(&target);
}

/// Takes from a request what would change the images that are there: a DELETE of them by a release
/// that deletes tags, and a PUT over them.
fn spare(request: &mut Request) {
    let is_write = !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "POST");
    if is_write && let Bytes::Text(target) = &mut request.target {
        *target = target.replace("/latest", "/absent");
        for digest in path::digests() {
            *target = target.replace(&digest, path::ABSENT_DIGEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_depends_on_seed_and_number_alone() {
        let one = Generator::new(1, Vec::new());
        let again: Vec<Case> = (0..50).rev().map(|number| one.case(number)).collect();
        for (case, number) in again.iter().rev().zip(0..) {
            assert_eq!(*case, one.case(number));
        }
        let other = Generator::new(2, Vec::new());
        assert!((0..50).any(|number| one.case(number) != other.case(number)));
    }

    #[test]
    fn cases_are_one_harmless_request_each() {
        let generator = Generator::new(3, Vec::new());
        for number in 0..5_000 {
            let Case { request, .. } = generator.case(number);
            let target = request.target.to_vec();
            assert!(!target.iter().any(|&byte| byte <= b' '), "{request:?}");
            assert!(request.body.len() < 1000, "{request:?}");
            let fields = request.authorization(Some(b"x"));
            assert!(
                fields.iter().all(|value| !value.contains(&b'\n')),
                "{request:?}"
            );
        }
    }
}
