//! Counters, gauges and histograms, as strictly as the stricter host has them.

use super::fault::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The metrics of a virtual machine by id, in the order of their definition.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Vec<(Kind, String, u64)>);

impl Metrics {
    /// The id of a metric; the same for the same name and kind.
    pub(crate) fn define(&mut self, kind: u32, name: &str) -> Result<u32, Fault> {
        let kind = match kind {
            0 => Kind::Counter,
            1 => Kind::Gauge,
            2 => Kind::Histogram,
            other => return Err(Fault::new(format!("{other} is no kind of metric"))),
        };
        let known = self.0.iter().position(|(_, known, _)| known == name);
        let index = match known {
            Some(index) if self.0[index].0 == kind => index,
            Some(_) => return Err(Fault::new(format!("{name} is a metric of another kind"))),
            None => {
                self.0.push((kind, name.to_owned(), 0));
                self.0.len() - 1
            }
        };
        // Ids begin at 1: 0 is what a guest has that forgot to define.
        Ok(u32::try_from(index).expect("metrics are few") + 1)
    }

    pub(crate) fn increment(&mut self, id: u32, offset: i64) -> Result<(), Fault> {
        let (kind, name, value) = self.metric(id)?;
        match kind {
            Kind::Counter if offset > 0 => {}
            Kind::Gauge => {}
            _ => {
                return Err(Fault::new(format!(
                    "{name} ({kind:?}) increased by {offset}"
                )));
            }
        }
        *value = value.wrapping_add_signed(offset);
        Ok(())
    }

    pub(crate) fn record(&mut self, id: u32, new: u64) -> Result<(), Fault> {
        let (kind, name, value) = self.metric(id)?;
        if *kind == Kind::Counter {
            return Err(Fault::new(format!("{name} is a counter and was set")));
        }
        *value = new;
        Ok(())
    }

    fn metric(&mut self, id: u32) -> Result<&mut (Kind, String, u64), Fault> {
        usize::try_from(id)
            .ok()
            .and_then(|id| id.checked_sub(1))
            .and_then(|index| self.0.get_mut(index))
            .ok_or_else(|| Fault::new(format!("metric {id} was not defined")))
    }
}
