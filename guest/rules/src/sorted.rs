//! Order, for the few licenses of an installation.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// The items in order, equals as they came. By insertion: the sort of the library costs the component 7 KB for each type.
pub(crate) fn sorted<T>(items: impl IntoIterator<Item = T>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut sorted: Vec<T> = Vec::new();
    for item in items {
        let place = sorted.partition_point(|other| compare(other, &item).is_le());
        sorted.insert(place, item);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::sorted;

    #[test]
    fn equals_stay_as_they_came() {
        let items = [(2, 'a'), (1, 'b'), (2, 'c'), (0, 'd'), (1, 'e')];
        let by_number: Vec<char> =
            sorted(items, |one, other| one.0.cmp(&other.0)).into_iter().map(|item| item.1).collect();
        assert_eq!(by_number, ['d', 'b', 'e', 'a', 'c']);
    }
}
