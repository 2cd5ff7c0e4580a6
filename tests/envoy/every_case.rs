//! The corpus through Envoy: with a connection manager of defaults, and with the production one.
//!
//! What Envoy answers by itself, or makes of a request before the filter sees it, stands in
//! `every_case/envoy.toml` with the reason; an entry that no longer occurs fails.

use corpus::{Answer, Corpus};
use testbed::envoy::listeners::Shape;
use testbed::{envoy, hosts};

use crate::support::lab::Lab;
use crate::support::suite::Test;

mod edge;
mod exception;

use edge::{ENVOY, Edge, Listeners};
use exception::{Exceptions, Expected};

pub(crate) const TESTS: &[Test] = &[(
    "every case of the corpus is answered as by the registry, through either listener",
    |lab| run(lab),
)];

fn run(lab: &Lab) {
    let corpus = Corpus::load();
    let exceptions = Exceptions::read();
    let listeners = Listeners::start(lab, &corpus);
    let mut faults = exceptions.faults(&corpus);
    let mut count = 0;
    for shape in Shape::ALL {
        let edge = Edge::new(&listeners, shape);
        for trial in corpus.trials() {
            count += 1;
            let name = format!("{} ({shape:?})", trial.name());
            let outcome = match exceptions.of(&trial, shape) {
                None => trial.run(&edge),
                Some(_) if trial.run(&edge).is_ok() => {
                    Err("as elsewhere: take it out of envoy.toml".to_owned())
                }
                Some(Expected::Answer(expected)) => trial.meet(&edge, expected),
                Some(Expected::Itself(status)) => by_itself(&trial.answer(&edge), status),
            };
            faults.extend(outcome.err().map(|fault| format!("{name}\n{fault}")));
        }
    }
    assert!(count > 0, "there is no case");
    assert!(
        faults.is_empty(),
        "{} of {count}:\n\n{}",
        faults.len(),
        faults.join("\n\n")
    );
    let cases = format!("{count} of {count}, through two listeners");
    let host = hosts::envoy(envoy::chosen().unwrap().version);
    hosts::saw(&host, hosts::Fact::Corpus, &cases).unwrap();
}

/// Whether Envoy gave the answer itself, with this status.
fn by_itself(answer: &Answer, wanted: u16) -> Result<(), String> {
    match answer {
        Answer::Responded {
            status,
            reason: Some(ENVOY),
            ..
        } if *status == wanted => Ok(()),
        Answer::Responded { status, reason, .. } => {
            let by = reason.unwrap_or("the filter");
            Err(format!(
                "expected {wanted} of Envoy itself, got {status} of {by}"
            ))
        }
        _ => Err("it was forwarded".to_owned()),
    }
}
