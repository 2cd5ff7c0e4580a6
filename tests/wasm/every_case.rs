//! The corpus through the artifact, as each host runs it.
//!
//! Every case runs twice in one virtual machine: what is remembered of the first time must not
//! change the answer.

use std::collections::BTreeSet;
use std::sync::Mutex;

use libtest_mimic::{Failed, Trial};

use crate::artifact;
use crate::host::{Dialect, LogLine, Options, Request, Response, Root, Vm};
use corpus::{Answer, Corpus, Implementation, Message, Setting};

/// The artifact in one kind of host.
struct Artifact(Dialect);

pub(crate) fn trials() -> Vec<Trial> {
    // For as long as the process runs, so that every test may hold on to its case.
    let corpus: &'static Corpus = Box::leak(Box::new(Corpus::load()));
    Dialect::ALL
        .into_iter()
        .flat_map(|dialect| corpus.trials().map(move |trial| (trial, dialect)))
        .map(|(trial, dialect)| {
            let name = trial.name();
            let run = move || trial.run(&Artifact(dialect)).map_err(Failed::from);
            Trial::test(name, run).with_kind(dialect.name())
        })
        .collect()
}

impl Implementation for Artifact {
    fn now(&self) -> i64 {
        crate::NOW.cast_signed()
    }

    fn answer(&self, setting: &Setting<'_>, message: &Message) -> Answer {
        let request = Request {
            method: message.method.clone(),
            target: message.target.clone(),
            host: message.host.clone(),
            fields: message.fields.clone(),
            body: message.body.clone(),
        };
        let mut vm = Vm::start(artifact::module(self.0), Options::of(self.0)).unwrap();
        let root = vm
            .configured(setting.filter_configuration().to_string().as_bytes())
            .unwrap();
        vm.take_log();
        let first = answered(&mut vm, root, &request);
        let second = answered(&mut vm, root, &request);
        assert_eq!(first, second, "another answer the second time");
        let (response, reason) = first;
        match response {
            None => Answer::Forwarded,
            Some(Response {
                status,
                fields,
                body,
            }) => Answer::Responded {
                status,
                headers: fields,
                body,
                reason,
            },
        }
    }
}

/// The response to a request, and the tag of its reason in the log.
fn answered(
    vm: &mut Vm,
    root: Root,
    request: &Request,
) -> (Option<Response>, Option<&'static str>) {
    let outcome = vm.request(root, request).unwrap();
    let log = vm.take_log();
    let reasons: Vec<&str> = log.iter().filter_map(LogLine::reason).collect();
    // A refusal says why, once; what goes on is not worth a line.
    assert_eq!(
        reasons.len(),
        usize::from(outcome.response.is_some()),
        "{log:?}"
    );
    let reason = reasons.first().map(|reason| interned(reason));
    (outcome.response, reason)
}

/// The same text for as long as the process runs. There are few reasons.
fn interned(reason: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap();
    if let Some(reason) = known.get(reason) {
        return reason;
    }
    let reason: &'static str = Box::leak(reason.to_owned().into_boxed_str());
    known.insert(reason);
    reason
}
