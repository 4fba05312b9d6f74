use quadrille::broker::{Headers, NewTopic, Outgoing, TopicName, memory};
use quadrille::event::Retention;
use quadrille::world::Live;

use super::*;

async fn broker(records: i64) -> (Arc<dyn Broker>, world::Shared) {
    let world: world::Shared = Arc::new(Live::new());
    let broker: Arc<dyn Broker> = Arc::new(memory::Broker::new(Arc::clone(&world)));
    let new = NewTopic {
        name: topic(),
        partitions: 2,
        replication: None,
        retention: Retention::Forever,
    };
    broker.create(&new).await.unwrap();
    for partition in 0..2 {
        for nth in 0..records {
            let record = Outgoing {
                topic: topic(),
                partition: Some(partition),
                key: None,
                value: Some(format!("{partition}/{nth}").into()),
                headers: Headers::default(),
                timestamp_ms: None,
            };
            broker.send(record).await.unwrap().await.unwrap();
        }
    }
    (broker, world)
}

fn topics<'a>(broker: &'a Arc<dyn Broker>, world: &'a world::Shared) -> Topics<'a> {
    Topics {
        broker,
        world,
        answer: true,
    }
}

fn topic() -> TopicName {
    TopicName::parse("orders").unwrap()
}

fn topic_partition(partition: i32) -> TopicPartition {
    TopicPartition::new(topic(), partition)
}

fn wanted(offsets: &[(i32, i64)]) -> Wanted {
    let mut wanted = Wanted::new();
    for (partition, offset) in offsets {
        let offsets = wanted.entry(topic_partition(*partition)).or_default();
        offsets.insert(*offset);
    }
    wanted
}

fn told(found: &Found) -> Vec<String> {
    let told = found.values().map(|found| match found {
        Ok(record) => String::from_utf8_lossy(record.value.as_ref().unwrap()).into_owned(),
        Err(why) => why.clone(),
    });
    told.collect()
}

#[test]
fn what_lies_near_is_read_in_one_go() {
    let offsets = BTreeSet::from([3, 4, 4 + GAP_MAX, 5 + 2 * GAP_MAX]);
    let runs: Vec<Vec<i64>> = split(&offsets)
        .into_iter()
        .map(|run| run.into_iter().collect())
        .collect();
    assert_eq!(runs, [vec![3, 4, 4 + GAP_MAX], vec![5 + 2 * GAP_MAX]]);
}

#[tokio::test]
async fn records_of_all_partitions_are_found_and_what_is_not_there_is_told() {
    // Given partitions of 1,200 records: wanted are near ones, far ones, and some that are not there.
    let (broker, world) = broker(1_200).await;
    let asked = [(0, 1), (0, 2), (0, 1_199), (0, 1_200), (1, 600)];
    let found = fetch_many(&topics(&broker, &world), wanted(&asked)).await;
    assert_eq!(
        told(&found),
        [
            "0/1",
            "0/2",
            "0/1199",
            "orders/0@1200: the partition ends at 1200",
            "1/600"
        ]
    );
    let nowhere = fetch_many(&topics(&broker, &world), wanted(&[(7, 0)])).await;
    assert!(nowhere.values().all(Result::is_err), "{nowhere:?}");
}

#[tokio::test]
async fn an_answer_reads_so_many_bytes_and_tells_what_it_left() {
    // Given room for less than what lies before the second of two far records.
    let (broker, world) = broker(1_200).await;
    let asked = wanted(&[(0, 0), (0, 1_100)]);
    let found = fetch_within(&broker, &world, asked, 2_048).await;
    assert_eq!(
        told(&found),
        [
            "0/0",
            "orders/0@1100: one answer reads 2 KiB at most: ask for its record alone"
        ]
    );
}
