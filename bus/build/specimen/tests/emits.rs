//! A derived enum of events is an emitted set.

use quadrille::event::Schema;
use quadrille::{Either, Emits, Event};
use quadrille_build_specimen::events::specimen::v1::{EverythingUndone, NumberCounted};
use quadrille_schemas::orders::v1::OrderCancelled;

#[derive(Emits)]
enum Answer {
    Undone(EverythingUndone),
    Several(Vec<NumberCounted>),
    Cancelled(Either<OrderCancelled, ()>),
}

fn names<E: Emits>() -> Vec<&'static str> {
    let mut schemas: Vec<&'static Schema> = Vec::new();
    E::schemas(&mut schemas);
    schemas.iter().map(|schema| schema.name).collect()
}

#[test]
fn the_set_is_that_of_all_variants() {
    // In the order of the variants, through whatever they hold.
    let (undone, counted) = (EverythingUndone::SCHEMA.name, NumberCounted::SCHEMA.name);
    assert_eq!(
        names::<Answer>(),
        [undone, counted, OrderCancelled::SCHEMA.name]
    );
    assert_eq!(names::<Option<Answer>>(), names::<Answer>());
}

#[test]
fn what_a_variant_holds_is_emitted() {
    // Each variant hands over its own events, in order.
    let emitted = |answer: Answer| {
        let mut emitted = quadrille::react::Emitted::default();
        answer.emit(&mut emitted);
        format!("{emitted:?}")
    };
    let undone = emitted(Answer::Undone(EverythingUndone {
        thing_id: "t".to_owned(),
    }));
    assert_eq!(undone.matches("Born").count(), 1, "{undone}");
    assert!(undone.contains("key: \"t\""), "{undone}");

    let numbers = [1, 2, 3].map(|number| NumberCounted { number });
    let several = emitted(Answer::Several(numbers.to_vec()));
    let keys: Vec<_> = several
        .split("key: \"")
        .skip(1)
        .map(|rest| &rest[..1])
        .collect();
    assert_eq!(keys, ["1", "2", "3"], "{several}");

    let nothing = emitted(Answer::Cancelled(Either::Right(())));
    assert_eq!(nothing.matches("Born").count(), 0, "{nothing}");
    let cancelled = emitted(Answer::Cancelled(Either::Left(OrderCancelled::default())));
    assert_eq!(cancelled.matches("Born").count(), 1, "{cancelled}");
}
