//! Lists of partitions in the client library's form and in ours.

use rdkafka::{Offset, TopicPartitionList};

use super::super::{TopicName, TopicPartition};

/// The partitions that a list names.
pub(super) fn named_in(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let elements = list.elements();
    let partitions = elements.iter().map(|element| {
        TopicPartition::new(TopicName::checked(element.topic()), element.partition())
    });
    partitions.collect()
}

/// A list of partitions without offsets.
pub(super) fn list_of<'a>(
    partitions: impl IntoIterator<Item = &'a TopicPartition>,
) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(partition.topic.as_str(), partition.partition);
    }
    list
}

/// Adds a partition with an offset.
///
/// # Panics
///
/// Where the offset is negative: those have a meaning of their own, and are sorted out before.
pub(super) fn add(list: &mut TopicPartitionList, partition: &TopicPartition, offset: Offset) {
    list.add_partition_offset(partition.topic.as_str(), partition.partition, offset)
        .expect("offsets are not negative");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_survive_the_way_there_and_back() {
        // Shows that nothing is lost or reordered, and that offsets stand where they belong.
        let at =
            |topic, partition| TopicPartition::new(TopicName::parse(topic).unwrap(), partition);
        let partitions = [at("orders", 1), at("orders", 0), at("stock", 4)];
        let mut list = list_of(&partitions);
        assert_eq!(named_in(&list), partitions);
        add(&mut list, &at("stock", 5), Offset::Offset(7));
        assert_eq!(
            list.find_partition("stock", 5).unwrap().offset(),
            Offset::Offset(7)
        );
    }
}
