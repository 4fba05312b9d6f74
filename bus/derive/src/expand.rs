//! Writes the implementation, or says at each wrong place what is wrong there.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Generics, Ident, Result, Type, Variant};

/// The implementation of `quadrille::Emits` for an enum.
pub(crate) fn emits(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let data = enumeration(&input)?;
    let mut wrong = generics(&input.generics).err();
    let mut held = Vec::new();
    for variant in &data.variants {
        match payload(variant) {
            Ok(payload) => held.push((&variant.ident, payload)),
            Err(error) => match &mut wrong {
                Some(wrong) => wrong.combine(error),
                None => wrong = Some(error),
            },
        }
    }
    match wrong {
        Some(wrong) => Err(wrong),
        None => Ok(implementation(&input.ident, &held)),
    }
}

fn implementation(name: &Ident, held: &[(&Ident, &Type)]) -> TokenStream {
    let variants = held.iter().map(|(variant, _)| variant);
    let payloads = held.iter().map(|(_, payload)| payload);
    quote! {
        #[automatically_derived]
        impl ::quadrille::Emits for #name {
            fn schemas(into: &mut ::std::vec::Vec<&'static ::quadrille::event::Schema>) {
                #(<#payloads as ::quadrille::Emits>::schemas(into);)*
            }

            fn emit(self, to: &mut ::quadrille::react::Emitted) {
                match self {
                    #(Self::#variants(payload) => ::quadrille::Emits::emit(payload, to),)*
                }
            }
        }
    }
}

fn enumeration(input: &DeriveInput) -> Result<&DataEnum> {
    match &input.data {
        Data::Enum(data) if data.variants.is_empty() => Err(Error::new(
            input.ident.span(),
            "an enum without variants emits nothing: return `()` instead",
        )),
        Data::Enum(data) => Ok(data),
        Data::Struct(_) | Data::Union(_) => Err(Error::new(
            input.ident.span(),
            "`Emits` is derived for enums: return the event itself, or a tuple of events",
        )),
    }
}

fn generics(generics: &Generics) -> Result<()> {
    let place = match (generics.params.first(), &generics.where_clause) {
        (Some(parameter), _) => parameter.span(),
        (None, Some(clause)) => clause.span(),
        (None, None) => return Ok(()),
    };
    Err(Error::new(
        place,
        "`Emits` is derived for enums without parameters: name the events, so that the contract \
         can",
    ))
}

/// The type of the one value that a variant holds.
fn payload(variant: &Variant) -> Result<&Type> {
    let name = &variant.ident;
    match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(&fields.unnamed[0].ty),
        Fields::Unnamed(fields) if fields.unnamed.is_empty() => Err(holds_nothing(name)),
        Fields::Unnamed(fields) => Err(Error::new(
            fields.span(),
            format!(
                "`{name}` holds {} values: hold one event, or a tuple of events as one value, \
                 `{name}((A, B))`",
                fields.unnamed.len()
            ),
        )),
        Fields::Named(fields) => Err(Error::new(
            fields.span(),
            format!("`{name}` has named fields: hold one event without a name, `{name}(Event)`"),
        )),
        Fields::Unit => Err(holds_nothing(name)),
    }
}

fn holds_nothing(name: &Ident) -> Error {
    Error::new(
        name.span(),
        format!(
            "`{name}` holds no event: return `Option` of the enum, with `None` in place of \
             `{name}`"
        ),
    )
}

#[cfg(test)]
mod tests;
