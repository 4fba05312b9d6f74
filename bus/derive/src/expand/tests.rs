use proc_macro2::TokenStream;
use quote::quote;

/// What is said of an enum that cannot be derived, each with the place that it marks.
fn refused(input: &str) -> Vec<String> {
    let tokens: TokenStream = input.parse().unwrap();
    let errors = super::emits(tokens).unwrap_err();
    let marked = |error: &syn::Error| {
        let (start, end) = (error.span().start(), error.span().end());
        assert_eq!(
            (start.line, end.line),
            (1, 1),
            "the inputs here are of one line"
        );
        input[start.column..end.column].to_owned()
    };
    errors
        .into_iter()
        .map(|error| format!("{}: {error}", marked(&error)))
        .collect()
}

#[test]
fn each_variant_tells_its_schemas_and_emits_its_payload() {
    // The whole output, so that nothing else is implied.
    let output = super::emits(quote! {
        /// What may follow.
        pub(crate) enum Answer {
            Reserved(StockReserved),
            Other(Option<orders::v1::OrderCancelled>),
        }
    });

    let expected = quote! {
        #[automatically_derived]
        impl ::quadrille::Emits for Answer {
            fn schemas(into: &mut ::std::vec::Vec<&'static ::quadrille::event::Schema>) {
                <StockReserved as ::quadrille::Emits>::schemas(into);
                <Option<orders::v1::OrderCancelled> as ::quadrille::Emits>::schemas(into);
            }

            fn emit(self, to: &mut ::quadrille::react::Emitted) {
                match self {
                    Self::Reserved(payload) => ::quadrille::Emits::emit(payload, to),
                    Self::Other(payload) => ::quadrille::Emits::emit(payload, to),
                }
            }
        }
    };
    assert_eq!(output.unwrap().to_string(), expected.to_string());
}

#[test]
fn only_enums_are_derived() {
    // A struct is an event itself, and an enum without variants is never there.
    let mend = "`Emits` is derived for enums: return the event itself, or a tuple of events";
    assert_eq!(refused("struct Answer(A);"), [format!("Answer: {mend}")]);
    assert_eq!(
        refused("union Answer { a: A }"),
        [format!("Answer: {mend}")]
    );
    assert_eq!(
        refused("enum Answer {}"),
        ["Answer: an enum without variants emits nothing: return `()` instead"]
    );
}

#[test]
fn every_wrong_variant_is_told_at_its_place() {
    // One compile shows all of them.
    let input = "enum Answer { Nothing, Empty(), Both(A, B), Named { a: A }, Right(A) }";
    assert_eq!(
        refused(input),
        [
            "Nothing: `Nothing` holds no event: return `Option` of the enum, with `None` in \
             place of `Nothing`",
            "Empty: `Empty` holds no event: return `Option` of the enum, with `None` in place of \
             `Empty`",
            "(A, B): `Both` holds 2 values: hold one event, or a tuple of events as one value, \
             `Both((A, B))`",
            "{ a: A }: `Named` has named fields: hold one event without a name, `Named(Event)`",
        ]
    );
}

#[test]
fn an_enum_has_no_parameters() {
    // A contract is read from the type, which has to be known then.
    let mend = "`Emits` is derived for enums without parameters: name the events, so that the \
                contract can";
    assert_eq!(refused("enum Answer<E> { A(E) }"), [format!("E: {mend}")]);
    assert_eq!(
        refused("enum Answer<'a> { A(&'a A) }"),
        [format!("'a: {mend}")]
    );
    assert_eq!(
        refused("enum Answer where A: Clone { A(A), Nothing }"),
        [
            format!("where A: Clone: {mend}"),
            "Nothing: `Nothing` holds no event: return `Option` of the enum, with `None` in \
             place of `Nothing`"
                .to_owned(),
        ]
    );
}
