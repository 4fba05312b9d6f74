//! What all of it came to. Its JSON is for programs; the field names are a promise.

use serde::{Deserialize, Serialize};

use crate::case::{Case, Contender, Goal};
use crate::measure::Measure;
use crate::statistics::Summary;

/// All cases of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// When it began, RFC 3339.
    pub(crate) began: String,
    /// Version of the bus.
    pub(crate) version: String,
    /// Processors of the machine.
    pub(crate) processors: usize,
    /// Whether the benchmark was built with optimisations. Numbers of one that was not mean nothing.
    pub(crate) optimised: bool,
    /// Repetitions of each case, the first one not counted.
    pub(crate) repetitions: u32,
    /// The cases.
    pub(crate) cases: Vec<Compared>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Compared {
    /// Which.
    pub(crate) case: Case,
    /// Events of each repetition.
    pub(crate) events: u64,
    /// Everybody in it, the reference first.
    pub(crate) contenders: Vec<Contended>,
    /// Processors that others kept busy meanwhile, neither contender nor Kafka, where it is known
    /// which process Kafka is.
    pub(crate) busy_with_others: Option<Summary>,
}

/// One contender in a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contended {
    /// Who.
    pub(crate) contender: Contender,
    /// The same for people.
    pub(crate) name: String,
    /// Events a second.
    pub(crate) rate: Option<Summary>,
    /// Its median compared with the reference's.
    pub(crate) rate_ratio: Option<f64>,
    /// Half of the events were under way no longer, in microseconds.
    pub(crate) p50_us: Option<Summary>,
    /// Its median compared with the reference's.
    pub(crate) p50_ratio: Option<f64>,
    /// 99 of 100 events were under way no longer, in microseconds.
    pub(crate) p99_us: Option<Summary>,
    /// Its median compared with the reference's.
    pub(crate) p99_ratio: Option<f64>,
    /// Processor time for each event, in microseconds.
    pub(crate) processor_us_per_event: Option<Summary>,
    /// Processor time of Kafka for each event, in microseconds, where it is known which process it is.
    pub(crate) kafka_us_per_event: Option<Summary>,
    /// Most memory of any repetition, in MiB.
    pub(crate) memory_peak_mib: u64,
    /// What we want to see.
    pub(crate) goal: Option<String>,
    /// Whether we see it.
    pub(crate) goal_reached: Option<bool>,
    /// Each repetition.
    pub(crate) measures: Vec<Measured>,
    /// Why repetitions have no number.
    pub(crate) faults: Vec<String>,
}

/// One repetition of one contender.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// What it found.
    #[serde(flatten)]
    pub(crate) measure: Measure,
    /// Processor time of Kafka meanwhile, in seconds.
    pub(crate) kafka_seconds: Option<f64>,
    /// Processors that others kept busy.
    pub(crate) busy_with_others: Option<f64>,
}

impl Report {
    /// Whether some repetition of somebody has no number.
    pub(crate) fn has_faults(&self) -> bool {
        let mut contenders = self.cases.iter().flat_map(|case| &case.contenders);
        contenders.any(|contended| !contended.faults.is_empty())
    }
}

impl Compared {
    /// What the repetitions of a case came to: for each contender what it found, in the order of
    /// the case.
    pub(crate) fn of(case: Case, events: u64, found: Vec<Vec<Result<Measured, String>>>) -> Self {
        let entries = case.entries().iter().zip(found);
        let mut contenders: Vec<Contended> = entries
            .map(|(entry, found)| Contended::of(entry.contender, entry.name, found))
            .collect();
        let reference = contenders[0].clone();
        for (contended, entry) in contenders.iter_mut().zip(case.entries()) {
            contended.compare(&reference, entry.goal);
        }
        let measures = contenders.iter().flat_map(|contended| &contended.measures);
        let others = measures.filter_map(|measured| measured.busy_with_others);
        let busy_with_others = Summary::of(others);
        Self {
            case,
            events,
            contenders,
            busy_with_others,
        }
    }
}

impl Contended {
    fn of(contender: Contender, name: &str, found: Vec<Result<Measured, String>>) -> Self {
        let (mut measures, mut faults) = (Vec::new(), Vec::new());
        for found in found {
            match found {
                Ok(measured) => measures.push(measured),
                Err(fault) => faults.push(fault),
            }
        }
        let all = |value: &dyn Fn(&Measured) -> Option<f64>| {
            Summary::of(measures.iter().filter_map(value))
        };
        let latency = |measured: &Measured| measured.measure.latency;
        Self {
            contender,
            name: name.to_owned(),
            rate: all(&|measured| Some(measured.measure.rate())),
            rate_ratio: None,
            p50_us: all(&|measured| Some(latency(measured)?.p50_us as f64)),
            p50_ratio: None,
            p99_us: all(&|measured| Some(latency(measured)?.p99_us as f64)),
            p99_ratio: None,
            processor_us_per_event: all(&|measured| Some(measured.measure.processor_us_per_event)),
            kafka_us_per_event: all(&|measured| {
                Some(measured.kafka_seconds? * 1e6 / measured.measure.events as f64)
            }),
            memory_peak_mib: measures
                .iter()
                .map(|measured| measured.measure.memory_peak_mib)
                .max()
                .unwrap_or(0),
            goal: None,
            goal_reached: None,
            measures,
            faults,
        }
    }

    fn compare(&mut self, reference: &Self, goal: Option<Goal>) {
        let ratio = |ours: Option<Summary>, theirs: Option<Summary>| Some(ours?.ratio_to(theirs?));
        self.rate_ratio = ratio(self.rate, reference.rate);
        self.p50_ratio = ratio(self.p50_us, reference.p50_us);
        self.p99_ratio = ratio(self.p99_us, reference.p99_us);
        self.goal = goal.map(|goal| goal.to_string());
        self.goal_reached = goal.zip(self.rate_ratio).map(|(goal, rate)| {
            let never = f64::INFINITY;
            let (p50, p99) = (self.p50_ratio, self.p99_ratio);
            goal.is_reached(rate, p50.unwrap_or(never), p99.unwrap_or(never))
        });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn measured(events: u64, seconds: f64) -> Measured {
        Measured {
            measure: Measure {
                events,
                seconds,
                processor_us_per_event: 2.0,
                processor_seconds: 1.0,
                memory_peak_mib: 30,
                latency: None,
                reaction_us_mean: None,
            },
            kafka_seconds: Some(0.5),
            busy_with_others: Some(0.1),
        }
    }

    pub(crate) fn report() -> Report {
        let ok = |seconds| Ok(measured(1_000, seconds));
        let found = vec![
            vec![ok(1.0), ok(2.0), ok(1.0)],
            vec![ok(1.0), ok(1.0), ok(1.0)],
            vec![ok(2.0), ok(2.0), Err("it fell over".to_owned())],
        ];
        Report {
            began: "2026-01-31T12:00:00Z".to_owned(),
            version: "0.1.0".to_owned(),
            processors: 2,
            optimised: true,
            repetitions: 3,
            cases: vec![Compared::of(Case::Publish, 1_000, found)],
        }
    }

    #[test]
    fn everybody_is_compared_with_the_first() {
        // Shows ratios, goals, and that a fault is no number.
        let report = report();
        let [bare, _, ours] = &report.cases[0].contenders[..] else {
            panic!("three contend");
        };
        assert_eq!((bare.rate_ratio, bare.goal_reached), (Some(1.0), None));
        assert_eq!(
            (ours.rate_ratio, ours.goal_reached),
            (Some(0.5), Some(false))
        );
        assert_eq!(ours.measures.len(), 2);
        assert_eq!(ours.faults, ["it fell over"]);
        assert_eq!(ours.kafka_us_per_event.unwrap().median, 500.0);
        assert!(report.has_faults());
    }

    #[test]
    fn nobody_is_compared_with_nothing() {
        // Shows that a reference without a number gives no ratios, and no goal that is reached.
        let fault = || vec![Err("it fell over".to_owned())];
        let found = vec![fault(), fault(), vec![Ok(measured(1_000, 1.0))]];
        let compared = Compared::of(Case::Publish, 1_000, found);
        let ours = &compared.contenders[2];
        assert_eq!((ours.rate_ratio, ours.goal_reached), (None, None));
    }

    #[test]
    fn a_report_survives_json() {
        // Shows that what is written can be read back, and the names that scripts rely on.
        let report = report();
        let json = serde_json::to_value(&report).unwrap();
        let ours = &json["cases"][0]["contenders"][2];
        assert_eq!(json["cases"][0]["case"], "publish");
        assert_eq!(ours["contender"], "ours");
        assert_eq!(ours["rate"]["median"], 500.0);
        assert_eq!(ours["rate_ratio"], 0.5);
        assert_eq!(ours["goal_reached"], false);
        assert_eq!(ours["measures"][0]["events"], 1_000);
        assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
    }
}
