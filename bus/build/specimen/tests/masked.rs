//! No `Debug` shows a sensitive value, however deep it lies, and all else is shown.

use std::collections::HashMap;

use quadrille_build_specimen::events::specimen::deep::v1beta1::outer;
use quadrille_build_specimen::events::specimen::old::v1::OldThingHappened;
use quadrille_build_specimen::events::specimen::old::v1::old_thing_happened::Part;
use quadrille_build_specimen::events::specimen::v1::everything_happened::{
    Choice, Nested, NestedOneOf, Open, State, open,
};
use quadrille_build_specimen::events::specimen::v1::{Colour, EverythingHappened, Named};

const SECRET: &str = "hunter2";

fn named() -> Named {
    Named {
        first: "Ada".to_owned(),
        last: SECRET.to_owned(),
    }
}

fn everything() -> EverythingHappened {
    EverythingHappened {
        last: "the last".to_owned(),
        r#type: 7,
        r#match: "m".to_owned(),
        self_: "s".to_owned(),
        password: SECRET.to_owned(),
        secret_name: Some(named()),
        tokens: vec![SECRET.as_bytes().to_vec()],
        plain_name: Some(named()),
        names: HashMap::from([("one".to_owned(), named())]),
        colour: Colour::Red.into(),
        maybe_colour: Some(77),
        kinds: vec![outer::Kind::Good.into(), 99],
        secret_colour: Colour::Red.into(),
        choice: Some(Choice::Hidden(SECRET.to_owned())),
        nested: Some(NestedOneOf::Number(3)),
        open: Some(Open {
            kind: open::Kind::Good.into(),
            ..Open::default()
        }),
        state: State::Done.into(),
        inner: Some(outer::Inner {
            kind: 1,
            secret: SECRET.to_owned(),
        }),
        ..EverythingHappened::default()
    }
}

#[test]
fn a_message_shows_all_but_what_is_sensitive() {
    // The whole text: masked values by their field's name, enums by their value's.
    assert_eq!(
        format!("{:?}", everything()),
        "EverythingHappened { last: \"the last\", type: 7, match: \"m\", self_: \"s\", \
         password: ***, secret_name: ***, tokens: ***, \
         plain_name: Some(Named { first: \"Ada\", last: *** }), \
         names: {\"one\": Named { first: \"Ada\", last: *** }}, \
         colour: Red, maybe_colour: Some(77), kinds: [Good, 99], colours: {}, \
         secret_colour: ***, price: None, at: None, note: None, before: None, old: \"\", \
         inner: Some(Inner { kind: Good, secret: *** }), \
         open: Some(Open { kind: Good, kinds: {} }), state: Done, \
         choice: Some(Hidden(***)), nested: Some(Number(3)) }"
    );
}

#[test]
fn no_way_of_showing_tells_a_secret() {
    // The pretty form, and each oneof and nested message by itself.
    let nested = Nested {
        secret: SECRET.to_owned(),
        number: 1,
    };
    let shown = [
        format!("{:#?}", everything()),
        format!("{:?}", Choice::Hidden(SECRET.to_owned())),
        format!("{:?}", Choice::Person(named())),
        format!("{nested:?}"),
    ];
    for text in shown {
        assert!(text.contains("***") && !text.contains(SECRET), "{text}");
    }
}

#[test]
fn other_members_of_a_oneof_are_shown() {
    // An enum by name, a text as it is.
    assert_eq!(
        format!("{:?}", Choice::Shown("a".to_owned())),
        "Shown(\"a\")"
    );
    assert_eq!(format!("{:?}", Choice::Shade(1)), "Shade(Red)");
}

#[test]
fn the_older_syntax_is_masked_as_well() {
    // Groups, defaults and enums of Google's are shown.
    let old = OldThingHappened {
        thing_id: "t".to_owned(),
        nothing: Some(0),
        part: Some(Part { number: Some(1) }),
        secret: Some(SECRET.to_owned()),
        ..OldThingHappened::default()
    };
    assert_eq!(
        format!("{old:?}"),
        "OldThingHappened { thing_id: \"t\", part: Some(Part { number: Some(1) }), text: None, \
         any: None, nothing: Some(NullValue), secret: *** }"
    );
}
