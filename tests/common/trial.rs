//! One case under one profile: put to an implementation, and judged.

use super::case::{Case, Message};
use super::divergence::Divergence;
use super::expectation::Expectation;
use super::implementation::{Answer, Implementation, Setting};
use super::mint;
use super::profile::Profile;
use super::{Corpus, FILES};

/// A case under one of its profiles.
pub struct Trial<'a> {
    pub subject: &'static str,
    case: &'a Case,
    setting: Setting<'a>,
    divergence: Option<&'a Divergence>,
}

impl Corpus {
    /// The subjects, in order.
    pub fn subjects() -> impl Iterator<Item = &'static str> {
        FILES.into_iter().map(|(subject, _)| subject)
    }

    /// Every case under every profile it applies to.
    pub fn trials(&self) -> impl Iterator<Item = Trial<'_>> {
        self.subjects.iter().flat_map(move |(subject, cases)| {
            cases.iter().flat_map(move |case| {
                self.profiles_of(case)
                    .map(move |profile| self.trial(subject, case, profile))
            })
        })
    }

    fn trial<'a>(
        &'a self,
        subject: &'static str,
        case: &'a Case,
        profile: &'a Profile,
    ) -> Trial<'a> {
        let configuration = self
            .configurations
            .get(&case.configuration)
            .unwrap_or_else(|| {
                panic!(
                    "\"{}\": no configuration is called {}",
                    case.name, case.configuration
                )
            });
        let divergence = self.divergence(&case.name, &profile.name);
        Trial {
            subject,
            case,
            setting: Setting {
                profile,
                configuration,
            },
            divergence,
        }
    }
}

impl Trial<'_> {
    /// Whether the filter is to answer it otherwise than the registry.
    pub fn diverges(&self) -> bool {
        self.divergence.is_some()
    }

    /// `C03 a token 62 s past its exp is refused [gitlab]`
    pub fn name(&self) -> String {
        format!(
            "{} {} [{}]",
            self.case.source, self.case.name, self.setting.profile.name
        )
    }

    /// Puts the case to an implementation.
    ///
    /// The answer has to be the registry's, or the one of a listed divergence, which then has to
    /// differ from the registry's indeed.
    pub fn run(&self, implementation: &dyn Implementation) -> Result<(), String> {
        let case = self.case;
        let message = self.message(implementation);
        let answer = implementation.answer(&self.setting, &message);
        let in_order = implementation.orders_scopes();
        let faults = |expected: &Expectation| {
            expected.faults(&self.setting, &case.request.method, &answer, in_order)
        };
        let registry = case.expectation(&self.setting.profile.name);
        let from_registry = faults(registry);
        let fault = match self.divergence {
            Some(_) if from_registry.is_empty() => {
                "the registry answers so too: take the case out of divergences.toml".to_owned()
            }
            Some(known) => match faults(&known.ours) {
                faults if faults.is_empty() => return Ok(()),
                faults => format!("not the listed divergence:\n    {}", faults.join("\n    ")),
            },
            None if from_registry.is_empty() => return Ok(()),
            None if matches!(answer, Answer::Forwarded) => {
                format!(
                    "LOOSER THAN THE REGISTRY: forwarded, and the registry's answer is {registry}"
                )
            }
            None => format!(
                "the registry's answer is {registry}\n    {}",
                from_registry.join("\n    ")
            ),
        };
        Err(told(&message, &fault))
    }

    /// Puts the case to the registry itself: an expectation that it does not fulfil is wrong, and so
    /// is a divergence from it.
    pub fn hold(&self, registry: &dyn Implementation) -> Result<(), String> {
        self.meet(registry, self.case.expectation(&self.setting.profile.name))
    }

    /// Puts the case to an implementation from which another answer is expected.
    pub fn meet(
        &self,
        implementation: &dyn Implementation,
        expected: &Expectation,
    ) -> Result<(), String> {
        let message = self.message(implementation);
        let answer = implementation.answer(&self.setting, &message);
        let method = &self.case.request.method;
        let in_order = implementation.orders_scopes();
        let faults = expected.faults(&self.setting, method, &answer, in_order);
        if faults.is_empty() {
            return Ok(());
        }
        let fault = format!("expected {expected}\n    {}", faults.join("\n    "));
        Err(told(&message, &fault))
    }

    /// The answer of an implementation, unjudged.
    pub fn answer(&self, implementation: &dyn Implementation) -> Answer {
        implementation.answer(&self.setting, &self.message(implementation))
    }

    /// The request, with its token.
    fn message(&self, implementation: &dyn Implementation) -> Message {
        let token = self.case.token.as_ref().map(|recipe| {
            let Setting {
                profile,
                configuration,
            } = self.setting;
            mint::mint(recipe, profile, configuration, implementation.now())
        });
        Message::new(&self.case.request, token.as_deref())
    }

    pub fn case(&self) -> &Case {
        self.case
    }

    pub fn setting(&self) -> &Setting<'_> {
        &self.setting
    }
}

/// A fault, with the beginning of the request it was found with.
fn told(message: &Message, fault: &str) -> String {
    let method = message.method.escape_ascii();
    let target = message.target.escape_ascii().to_string();
    let target = target.get(..200).unwrap_or(&target);
    format!("{method} {target}\n  {fault}")
}
