//! What every broker behind Quadrille must do.
//!
//! Each case is an async function over a [`Fixture`], and its first line says what it shows. The
//! same cases run on the in-memory broker and on Kafka: a difference is a defect of the in-memory
//! broker. [`suite!`] makes a test of each case:
//!
//! ```text
//! quadrille_conformance::suite!(fixture);
//!
//! async fn fixture() -> Result<Fixture, String> { … }
//! ```
//!
//! A fixture that cannot be had says why, and the tests say loudly that they were skipped. Names of
//! topics and groups are new for every case, so that one cluster serves many runs. Cases wait for
//! states, never for a time, and assume nothing about who gets which partition beyond what the
//! assignors promise.

mod fixture;
mod member;

pub mod cooperative;
pub mod flow_control;
pub mod groups;
pub mod offsets;
pub mod readers;
pub mod records;
pub mod statics;
pub mod topics;

pub use fixture::{Fixture, Timeouts};
pub use member::{Member, drive};

/// Makes a test of each case, named like it. The argument names an async function that makes a
/// [`Fixture`], or says why there is none.
#[macro_export]
macro_rules! suite {
    ($fixture:path) => {
        $crate::suite!(@tests $fixture;
            topics::creates_and_describes_a_topic,
            topics::creating_a_topic_again_leaves_it_as_it_was,
            topics::lists_topics_in_order,
            topics::a_topic_that_is_not_there_is_not_described,
            topics::describes_every_retention,
            topics::a_topic_without_partitions_is_refused,
            topics::the_cluster_id_stays_the_same,
            records::a_record_comes_back_as_it_was_sent,
            records::null_and_empty_are_different,
            records::a_timestamp_is_kept_or_set,
            records::many_in_flight_stay_in_order,
            records::a_key_lands_where_java_puts_it,
            records::a_partition_that_is_asked_for_wins,
            records::records_without_a_key_arrive_too,
            records::a_record_that_is_too_large_is_refused,
            records::a_large_record_gets_through,
            records::sending_to_an_unknown_topic_is_refused,
            records::a_compacted_topic_refuses_a_record_without_a_key,
            records::many_tasks_send_at_once,
            readers::watermarks_follow_the_records,
            readers::finds_the_offset_of_a_time,
            readers::reads_from_an_offset_on,
            readers::an_offset_out_of_range_is_clamped,
            readers::a_waiting_reader_gets_what_comes,
            readers::reads_partitions_of_several_topics,
            readers::unknown_partitions_are_refused,
            readers::a_cancelled_read_loses_nothing,
            groups::each_group_gets_everything,
            groups::two_members_share_without_loss_or_repetition,
            groups::range_puts_equal_partitions_together,
            groups::a_member_that_joins_under_load_loses_nothing,
            groups::a_member_may_commit_until_it_has_released,
            groups::a_member_that_leaves_hands_over_at_once,
            groups::a_crashed_members_partitions_come_back,
            groups::a_member_that_does_not_release_is_put_out,
            groups::a_spare_member_steps_in,
            groups::a_topic_created_later_is_read,
            groups::a_cancelled_wait_loses_nothing,
            offsets::committed_offsets_survive_a_new_member,
            offsets::what_was_not_committed_comes_again,
            offsets::several_partitions_are_committed_at_once,
            offsets::partitions_without_a_commit_are_left_out,
            offsets::a_partition_of_somebody_else_cannot_be_committed,
            offsets::releasing_commits,
            offsets::a_new_group_starts_at_the_beginning,
            offsets::a_new_group_starts_now,
            offsets::a_group_that_started_now_remembers_when,
            offsets::a_new_group_starts_at_a_time,
            offsets::given_positions_win_over_committed_ones,
            flow_control::a_paused_partition_waits_and_loses_nothing,
            flow_control::a_paused_member_stays_in_the_group,
            statics::a_static_member_that_restarts_moves_nothing,
            statics::a_static_member_that_crashed_moves_nothing,
            statics::a_second_member_of_the_same_name_takes_over,
            cooperative::joining_moves_only_what_must,
            cooperative::what_stays_is_committed_meanwhile,
            cooperative::a_pause_lasts_for_what_stays,
            cooperative::leaving_moves_only_what_is_left,
            cooperative::a_crash_moves_only_what_is_left,
            cooperative::not_releasing_loses_what_would_have_stayed,
            cooperative::coming_and_going_under_load_loses_nothing,
            cooperative::it_shares_evenly_over_all_topics,
            cooperative::a_static_member_that_restarts_moves_nothing_here_either,
            cooperative::another_assignor_is_refused,
        );
    };
    (@tests $fixture:path; $($area:ident::$case:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                match $fixture().await {
                    Ok(fixture) => $crate::$area::$case(&fixture).await,
                    Err(why) => eprintln!("SKIPPED {}: {why}", stringify!($case)),
                }
            }
        )+
    };
}
