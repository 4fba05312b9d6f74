//! Shrinks what fails: lines of the script are left out for as long as the same does not hold, for a
//! reason of the same kind.
//!
//! What is left out changes everything behind it, so a shorter script may need another order of
//! things to fail: a few other schedules are tried before a line is given back.

use std::time::Duration;

use quadrille::broker::Assignor;

use crate::end::Broken;
use crate::reason;
use crate::run::{Order, Ran, Scenario, run};
use crate::script::{Fault, Script, Step};

/// Runs that shrinking may take.
const RUNS_MAX: u32 = 3_000;
/// Other schedules that are tried for a shorter script.
const SCHEDULES: u64 = 12;

/// What is left.
pub(crate) struct Shrunk {
    pub(crate) order: Order,
    pub(crate) ran: Ran,
    pub(crate) runs: u32,
}

/// Shrinks a run that has failed.
pub(crate) fn shrink(scenario: &Scenario, order: &Order, ran: Ran) -> Shrunk {
    let broken = ran.broken.clone().expect("only what fails is shrunk");
    let order = Order {
        script: Some(ran.script.clone()),
        assignor: Some(ran.assignor),
        ..order.clone()
    };
    let mut shrinking = Shrinking {
        scenario,
        broken,
        best: order,
        ran,
        runs: 0,
    };
    shrinking.only_fired();
    shrinking.fewer_lines();
    shrinking.eager();
    shrinking.simpler();
    let told = Order {
        tells: true,
        ..shrinking.best.clone()
    };
    let ran = run(scenario, &told);
    Shrunk {
        order: told,
        ran,
        runs: shrinking.runs,
    }
}

struct Shrinking<'a> {
    scenario: &'a Scenario,
    broken: Broken,
    best: Order,
    ran: Ran,
    runs: u32,
}

/// A line of a script.
#[derive(Clone)]
enum Entry {
    Step(Step),
    Fault(Fault),
}

impl Shrinking<'_> {
    /// Leaves out the faults whose turn never came.
    fn only_fired(&mut self) {
        let mut script = self.script();
        let mut fired = self.ran.fired.iter();
        script
            .faults
            .retain(|_| fired.next().copied().unwrap_or(true));
        self.fails(script);
    }

    /// Leaves out ever smaller parts, until not one line can be left out.
    fn fewer_lines(&mut self) {
        let mut size = self.script().len().div_ceil(2);
        while size > 0 && self.runs < RUNS_MAX {
            let mut shorter = false;
            let mut from = 0;
            while from < self.script().len() {
                let mut lines = lines(&self.script());
                lines.drain(from..lines.len().min(from + size));
                match self.fails(script(lines)) {
                    true => shorter = true,
                    false => from += size,
                }
            }
            if !shorter || size > 1 {
                size = match size {
                    1 => 0,
                    _ => size.div_ceil(2).min(size - 1),
                };
            }
        }
    }

    /// Shares partitions out as services do by default.
    fn eager(&mut self) {
        let mut order = self.best.clone();
        order.assignor = Some(Assignor::default());
        if self.best.assignor != order.assignor {
            self.fails_as(&order);
        }
    }

    /// Lets everything happen at once, and waits as short as can be.
    fn simpler(&mut self) {
        let mut at_once = self.script();
        for step in &mut at_once.steps {
            step.at_ms = 0;
        }
        self.fails(at_once);
    }

    fn script(&self) -> Script {
        self.best.script.clone().expect("it has a script")
    }

    /// Whether the same does not hold with this script; then it is the best so far.
    fn fails(&mut self, script: Script) -> bool {
        if script == self.script() {
            return false;
        }
        self.fails_as(&Order {
            script: Some(script),
            ..self.best.clone()
        })
    }

    /// Whether the same does not hold in a run like this; then it is the best so far.
    fn fails_as(&mut self, like: &Order) -> bool {
        let schedule = self.best.schedule;
        for nth in 0..=SCHEDULES {
            if self.runs >= RUNS_MAX {
                return false;
            }
            self.runs += 1;
            let order = Order {
                schedule: schedule.wrapping_add(nth),
                // What hangs need not hang for longer than everything takes.
                limit: self.best.limit.min(Duration::from_secs(240)),
                ..like.clone()
            };
            let ran = run(self.scenario, &order);
            let broken = ran.broken.as_ref();
            if broken.is_some_and(|broken| reason::is_same(broken, &self.broken)) {
                (self.best, self.ran) = (order, ran);
                return true;
            }
        }
        false
    }
}

fn lines(script: &Script) -> Vec<Entry> {
    let steps = script.steps.iter().cloned().map(Entry::Step);
    let faults = script.faults.iter().cloned().map(Entry::Fault);
    // Faults first: most of them have nothing to do with it.
    faults.chain(steps).collect()
}

fn script(lines: Vec<Entry>) -> Script {
    let mut script = Script::default();
    for line in lines {
        match line {
            Entry::Step(step) => script.steps.push(step),
            Entry::Fault(fault) => script.faults.push(fault),
        }
    }
    script
}
