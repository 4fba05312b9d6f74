//! What the generated `Debug` of messages with sensitive fields is made of.

use std::fmt;
use std::marker::PhantomData;

/// Stands in place of a sensitive value.
pub struct Masked;

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Shows the number, or numbers, of an enum's values by their names. A number that this version of
/// the enum does not know is shown as it is.
pub struct Enumeration<'a, E, V> {
    value: &'a V,
    names: PhantomData<E>,
}

impl<'a, E, V> Enumeration<'a, E, V> {
    /// Shows this value of a message's field.
    pub fn new(value: &'a V) -> Self {
        Self {
            value,
            names: PhantomData,
        }
    }
}

impl<E: TryFrom<i32> + fmt::Debug> fmt::Debug for Enumeration<'_, E, i32> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match E::try_from(*self.value) {
            Ok(named) => named.fmt(f),
            Err(_) => self.value.fmt(f),
        }
    }
}

impl<E: TryFrom<i32> + fmt::Debug> fmt::Debug for Enumeration<'_, E, Option<i32>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.value.as_ref().map(Enumeration::<E, i32>::new);
        named.fmt(f)
    }
}

impl<E: TryFrom<i32> + fmt::Debug> fmt::Debug for Enumeration<'_, E, Vec<i32>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.value.iter().map(Enumeration::<E, i32>::new);
        f.debug_list().entries(named).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    enum Colour {
        Red,
    }

    impl TryFrom<i32> for Colour {
        type Error = i32;

        fn try_from(number: i32) -> Result<Self, i32> {
            if number == 1 {
                Ok(Self::Red)
            } else {
                Err(number)
            }
        }
    }

    #[test]
    fn enums_show_their_names_where_they_have_one() {
        // A value reads as in the schema, and one from the future as its number.
        let one = format!("{:?}", Enumeration::<Colour, _>::new(&1));
        let absent = format!("{:?}", Enumeration::<Colour, _>::new(&None::<i32>));
        let some = format!("{:?}", Enumeration::<Colour, _>::new(&Some(1)));
        let many = format!("{:?}", Enumeration::<Colour, _>::new(&vec![1, 7]));
        assert_eq!(
            [one, absent, some, many],
            ["Red", "None", "Some(Red)", "[Red, 7]"]
        );
    }
}
