//! What a client is told of a token that is not believed: nothing of why.
//!
//! Every case of the corpus in which a token is refused is put to the library again, and whoever
//! asked the same gets the same answer, byte for byte, whatever was wrong with the token. The one
//! exception is the registry's: Distribution 3 leaves `error` out for what its libraries refuse.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use corpus::{Answer, Corpus, Implementation, Message, Setting};
use libtest_mimic::{Failed, Trial};

use crate::core::Core;

/// How many different reasons a profile's cases have to show, or the test shows nothing.
const ENOUGH_REASONS: usize = 15;

/// What was asked, without the token.
type Question = (Vec<u8>, Vec<u8>, Option<Vec<Vec<u8>>>);

/// What a client gets to see: status, fields, body.
type Seen = (u16, Vec<(String, Vec<u8>)>, Vec<u8>);

/// The reasons for which each answer was given.
type Reasons = BTreeMap<Seen, BTreeSet<&'static str>>;

/// The library, and what it answered to whom, by profile.
#[derive(Default)]
struct Recorder(RefCell<BTreeMap<String, BTreeMap<Question, Reasons>>>);

pub(crate) fn trials(corpus: &'static Corpus) -> Vec<Trial> {
    let name = "every token that is not believed is answered alike";
    vec![Trial::test(name, || every_refusal_alike(corpus))]
}

fn every_refusal_alike(corpus: &Corpus) -> Result<(), Failed> {
    let recorder = Recorder::default();
    for trial in corpus.trials() {
        // Whether the answer is right is asked elsewhere.
        let _ = trial.run(&recorder);
    }
    let mut faults = Vec::new();
    for (profile, questions) in recorder.0.into_inner() {
        let reasons: BTreeSet<&str> = questions
            .values()
            .flat_map(BTreeMap::values)
            .flatten()
            .copied()
            .collect();
        if reasons.len() < ENOUGH_REASONS {
            faults.push(format!("{profile}: only {reasons:?}"));
        }
        for ((method, target, _), answers) in questions {
            let told: BTreeSet<Seen> = answers.keys().map(without_error).collect();
            let is_alike = told.len() == 1;
            if !is_alike || (answers.len() > 1 && profile != "distribution-3") {
                let reasons: Vec<_> = answers.values().collect();
                faults.push(format!(
                    "{profile}: {} {} tells these apart: {reasons:?}",
                    method.escape_ascii(),
                    target.escape_ascii()
                ));
            }
        }
    }
    crate::all_of(faults)
}

/// The answer as it is with the parameter `error` left out.
fn without_error((status, fields, body): &Seen) -> Seen {
    const ERROR: &[u8] = b",error=\"invalid_token\"";
    let field = |(name, value): &(String, Vec<u8>)| {
        let value = value.strip_suffix(ERROR).unwrap_or(value);
        (name.clone(), value.to_vec())
    };
    (*status, fields.iter().map(field).collect(), body.clone())
}

impl Implementation for Recorder {
    fn now(&self) -> i64 {
        Core.now()
    }

    fn answer(&self, setting: &Setting<'_>, message: &Message) -> Answer {
        let answer = Core.answer(setting, message);
        if let Answer::Responded {
            status,
            headers,
            body,
            reason: Some(reason),
        } = &answer
            && reason.starts_with("token-")
        {
            let question = (
                message.method.clone(),
                message.target.clone(),
                message.host.clone(),
            );
            let seen = (*status, headers.clone(), body.clone());
            let mut profiles = self.0.borrow_mut();
            let questions = profiles.entry(setting.profile.name.clone()).or_default();
            let answers = questions.entry(question).or_default();
            answers.entry(seen).or_default().insert(reason);
        }
        answer
    }
}
