//! The library as an implementation: the one place in these tests that asks it for a decision.

use registry_token_filter::{Authorizer, Body, Config, Decision, RequestHead, UnixTime};

use corpus::{Answer, Implementation, Message, Setting};

use crate::explained;

/// The time of every case.
pub(crate) const NOW: u64 = 1_800_000_000;

/// The filter as a library.
pub(crate) struct Core;

impl Implementation for Core {
    fn now(&self) -> i64 {
        NOW.cast_signed()
    }

    fn answer(&self, setting: &Setting<'_>, message: &Message) -> Answer {
        let authorizer = authorizer(setting);
        let host = message.host.iter().flatten();
        let head = RequestHead {
            method: &message.method,
            target: &message.target,
            host: &host.map(Vec::as_slice).collect::<Vec<_>>(),
            forwarded_proto: &message.values("x-forwarded-proto"),
            authorization: &message.values("authorization"),
            content_type: &message.values("content-type"),
            body: if message.body.is_empty() {
                Body::Empty
            } else {
                Body::Expected
            },
        };
        let decision = authorizer.decide(&head, UnixTime::from_seconds(NOW));
        let response = authorizer.response(&decision, &head);
        // What is remembered of a request changes no answer to the same one.
        let again = authorizer.decide(&head, UnixTime::from_seconds(NOW));
        assert_eq!(again.reason_tag(), decision.reason_tag());
        assert_eq!(authorizer.response(&again, &head), response);
        assert_eq!(response.is_none(), matches!(decision, Decision::Forward(_)));
        explained::compare(&authorizer, &head, UnixTime::from_seconds(NOW), &decision);
        let Some(response) = response else {
            return Answer::Forwarded;
        };
        let field = |(name, value): (String, String)| (name, value.into_bytes());
        Answer::Responded {
            status: response.status,
            headers: response.headers.into_iter().map(field).collect(),
            body: response.body,
            reason: decision.reason_tag(),
        }
    }
}

/// The authorizer of a setting.
pub(crate) fn authorizer(setting: &Setting<'_>) -> Authorizer {
    let json = setting.filter_configuration();
    let config = Config::from_json(json.to_string().as_bytes(), &[]);
    Authorizer::new(config.expect("a configuration of the corpus holds"))
}
