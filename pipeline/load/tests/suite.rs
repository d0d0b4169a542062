//! The exam that every driver takes. A target that passes loses nothing, doubles nothing and
//! delivers nothing, however a load is disturbed, and can be taken back.

mod calls;
mod following;
mod stops;
mod undone;

macro_rules! exam {
    ($name:ident, $stand:ty, [$($place:ident::$test:ident),+ $(,)?] $(, $campaign:ident)?) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$place::$test::<$stand>().await;
                }
            )+

            $(
                mod $campaign {
                    use crate::campaign as exam;

                    #[tokio::test]
                    async fn whatever_goes_wrong_the_target_holds_the_plan_once() {
                        exam::whatever_goes_wrong_the_target_holds_the_plan_once::<$stand>().await;
                    }

                    #[tokio::test]
                    async fn a_replay_that_is_stopped_at_any_ledger_boundary_ends_the_same() {
                        exam::a_replay_that_is_stopped_at_any_ledger_boundary_ends_the_same::<
                            $stand,
                        >()
                        .await;
                    }
                }
            )?
        }
    };
}

macro_rules! exams {
    ($($name:ident: $stand:ty $(, $campaign:ident)?;)+) => {
        $(
            exam!($name, $stand, [
                calls::a_plan_is_replayed_as_planned_and_once,
                calls::one_fault_on_any_kind_of_call_changes_nothing_about_the_result,
                calls::a_call_that_is_lost_again_and_again_stops_and_the_next_session_goes_on,
                calls::a_ledger_that_was_lost_is_made_anew_and_nothing_is_doubled,
                calls::a_new_run_into_the_same_target_makes_only_what_is_missing,
                stops::a_replay_that_is_stopped_around_any_write_ends_the_same,
                stops::of_two_loaders_of_one_run_the_second_to_write_stops_and_creates_nothing,
                following::a_run_that_follows_makes_what_is_new_once_wherever_it_is_stopped,
                following::a_run_that_follows_is_taken_back_alone,
                undone::a_run_is_taken_back_whole_and_the_same_plan_loads_again,
                undone::a_rollback_that_is_stopped_around_any_removal_goes_on,
                undone::a_load_that_was_stopped_around_any_write_is_taken_back_as_well,
            ] $(, $campaign)?);
        )+
    };
}

// The newer help center of Crisp keeps its paths unique by itself, so the older one is disturbed.
exams! {
    gorgias: crate::stage::Stage, campaign;
    crisp: crate::stand::help_center::Legacy, campaign;
    crisp_tree: crate::stand::help_center::Tree;
}
