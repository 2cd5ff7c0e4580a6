//! The corpus through Envoy: with a connection manager of defaults, and with the production one.
//!
//! What Envoy answers by itself, or makes of a request before the filter sees it, stands in
//! `every_case/envoy.toml` with the reason; an entry that no longer occurs fails.

use corpus::{Answer, Corpus};
use testbed::envoy;
use testbed::envoy::listeners::Shape;
use testbed::hosts::{self, Fact};

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
    let (mut count, mut diverging, mut envoys) = (0, 0, 0);
    for shape in Shape::ALL {
        let edge = Edge::new(&listeners, shape);
        for trial in corpus.trials() {
            count += 1;
            diverging += usize::from(trial.diverges());
            let name = format!("{} ({shape:?})", trial.name());
            let exception = exceptions.of(&trial, shape);
            envoys += usize::from(exception.is_some());
            let outcome = match exception {
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
    hosts::saw(&host, Fact::Corpus, &cases).unwrap();
    let otherwise = hosts::otherwise(diverging, envoys, "tests/envoy/every_case/envoy.toml");
    hosts::saw(&host, Fact::Divergences, &otherwise).unwrap();
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
