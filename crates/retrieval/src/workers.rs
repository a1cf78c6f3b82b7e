//! The threads that run channels: a slow, stuck or panicking channel costs its own list only.
//!
//! A call that overruns its deadline is left behind: the answer leaves without it and its thread
//! is replaced (up to a cap); when it returns, the surplus thread ends. A channel whose call is
//! overdue for as long again as it had, or that has too many of them, is skipped until they
//! return. A call that nobody started in time is never run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use gannet_core::{ChannelName, Clock};

use crate::list_check::{CheckedList, believe, check};
use crate::state::ChannelSlot;
use crate::{Ask, ChannelAnswer, ChannelReport, ChannelStatus, Deadline, Plan, PlanChannel};

/// Calls that may wait for a thread; more are skipped at once.
const QUEUE_MAX: usize = 4_096;

/// A channel is told a deadline this much before it is left behind, so that what it has by then
/// still arrives: a tenth of its time, and no more than this.
const MARGIN_MAX: Duration = Duration::from_millis(2);

/// Why a call was skipped.
const STUCK: &str = "an earlier call of it is still stuck";
const NO_THREAD: &str = "no thread was free in time";

/// The threads of one engine.
pub(crate) struct Workers {
    queue: Sender<Call>,
    crew: Arc<Crew>,
}

/// What the threads share.
struct Crew {
    calls: Receiver<Call>,
    clock: Arc<dyn Clock>,
    abandoned_max: usize,
    /// Threads that exist.
    threads: AtomicUsize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Threads inside calls that were left behind.
    abandoned: usize,
    /// Of these, threads that another one stands in for.
    replaced: usize,
    /// Threads started so far, for their names.
    started: usize,
}

/// One channel's part of one request.
struct Call {
    slot: Arc<ChannelSlot>,
    ask: Ask,
    fetch_k: usize,
    place: usize,
    asked_at: Duration,
    stage: Arc<Mutex<CallStage>>,
    done: Sender<(usize, Outcome)>,
}

/// Where a call is; whoever holds the lock decides what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallStage {
    Waiting,
    Running {
        since: Duration,
    },
    /// Left behind while it ran.
    Abandoned {
        replaced: bool,
        /// Until when the channel is not blamed for it.
        excused_until: Duration,
    },
    /// Ended, or taken back before it began.
    Over,
}

/// What came of a call.
struct Outcome {
    status: ChannelStatus,
    checked: CheckedList,
    wait: Duration,
    run: Duration,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workers {
    /// Starts the threads, at least one.
    pub(crate) fn new(clock: Arc<dyn Clock>, workers: usize, abandoned_max: usize) -> Self {
        let (queue, calls) = bounded(QUEUE_MAX);
        let crew = Arc::new(Crew {
            calls,
            clock,
            abandoned_max,
            threads: AtomicUsize::new(0),
            counts: Mutex::new(Counts::default()),
        });
        for _ in 0..workers.max(1) {
            crew.start_thread(&mut lock(&crew.counts));
        }
        Self { queue, crew }
    }

    /// Threads that exist, and threads inside calls that were left behind.
    pub(crate) fn thread_counts(&self) -> (usize, usize) {
        (self.crew.threads.load(Ordering::SeqCst), lock(&self.crew.counts).abandoned)
    }

    /// Runs the plan's channels at once. Lists and reports come in the plan's order, however the
    /// channels ended, at the request's deadline at the latest.
    pub(crate) fn run_channels(
        &self,
        plan: &Plan,
        ask: &Ask,
    ) -> (Vec<ChannelAnswer>, Vec<ChannelReport>) {
        let (done, outcomes) = bounded(plan.channels.len());
        let mut pending = Pending { calls: Vec::with_capacity(plan.channels.len()) };
        let mut results: Vec<Option<Outcome>> = Vec::with_capacity(plan.channels.len());
        for (place, channel) in plan.channels.iter().enumerate() {
            match self.submit(place, channel, ask, &done) {
                Ok(call) => {
                    pending.calls.push(call);
                    results.push(None);
                }
                Err(status) => results.push(Some(Outcome::without_list(status))),
            }
        }
        drop(done);
        while let Some(due) = pending.first_due() {
            match outcomes.recv_timeout(due.left()) {
                Ok((place, outcome)) => {
                    pending.remove(place);
                    results[place] = Some(outcome);
                }
                Err(_) => self.leave_behind(&mut pending, &due, &outcomes, &mut results),
            }
        }
        let result = |(channel, outcome): (&PlanChannel, Option<Outcome>)| {
            let why = "its thread ended";
            outcome.unwrap_or_else(|| Outcome::skipped(why, Duration::ZERO)).report(channel)
        };
        plan.channels.iter().zip(results).map(result).unzip()
    }

    /// Puts one channel's call into the queue, or says why not.
    fn submit(
        &self,
        place: usize,
        channel: &PlanChannel,
        ask: &Ask,
        done: &Sender<(usize, Outcome)>,
    ) -> Result<PendingCall, ChannelStatus> {
        let skipped = |why: &str| ChannelStatus::Skipped(why.to_owned());
        let slot = ask.state.channels.get(&channel.channel);
        let slot = slot.ok_or_else(|| skipped("it is not configured"))?;
        if !channel.enabled || !slot.is_enabled() {
            return Err(ChannelStatus::Disabled);
        }
        let asked_at = self.crew.clock.elapsed();
        if slot.overdue.is_stuck(asked_at) {
            return Err(skipped(STUCK));
        }
        if self.crew.is_idle_for_good() {
            return Err(skipped("every thread is stuck"));
        }
        let due = ask.deadline.or_after(channel.deadline);
        let margin = (due.left() / 10).min(MARGIN_MAX);
        let stage = Arc::new(Mutex::new(CallStage::Waiting));
        let call = Call {
            slot: slot.clone(),
            ask: ask.due(due.before(margin)),
            fetch_k: channel.fetch_k,
            place,
            asked_at,
            stage: stage.clone(),
            done: done.clone(),
        };
        match self.queue.try_send(call) {
            Ok(()) => Ok(PendingCall { place, due, stage, slot: slot.clone(), asked_at }),
            Err(TrySendError::Full(_)) => Err(skipped("too many calls are waiting")),
            Err(TrySendError::Disconnected(_)) => Err(skipped("the engine is shutting down")),
        }
    }

    /// Gives up every pending call that is due. One that ended in this moment is still taken.
    fn leave_behind(
        &self,
        pending: &mut Pending,
        due: &Deadline,
        outcomes: &Receiver<(usize, Outcome)>,
        results: &mut [Option<Outcome>],
    ) {
        let now = self.crew.clock.elapsed();
        for call in pending.take_due(due) {
            let mut stage = lock(&call.stage);
            let waited = now.saturating_sub(call.asked_at);
            match *stage {
                CallStage::Waiting => {
                    *stage = CallStage::Over;
                    results[call.place] = Some(Outcome::skipped(NO_THREAD, waited));
                }
                CallStage::Running { since } => {
                    let allowed = call.due.at().saturating_sub(call.asked_at);
                    let excused_until = call.due.at().saturating_add(allowed);
                    let replaced = self.crew.abandon(&call.slot, excused_until);
                    *stage = CallStage::Abandoned { replaced, excused_until };
                    results[call.place] = Some(Outcome {
                        status: ChannelStatus::Late,
                        checked: CheckedList::default(),
                        wait: since.saturating_sub(call.asked_at),
                        run: now.saturating_sub(since),
                    });
                }
                CallStage::Abandoned { .. } | CallStage::Over => {}
            }
        }
        // Ended calls sent their outcome before they let go of their stage.
        for (place, outcome) in outcomes.try_iter() {
            pending.remove(place);
            results[place] = Some(outcome);
        }
    }
}

impl Crew {
    /// Whether no thread is left to take a call.
    fn is_idle_for_good(&self) -> bool {
        let counts = lock(&self.counts);
        self.threads.load(Ordering::SeqCst) <= counts.abandoned
    }

    /// Notes a call as left behind; says whether another thread was started in its thread's place.
    fn abandon(self: &Arc<Self>, slot: &ChannelSlot, excused_until: Duration) -> bool {
        slot.overdue.add(excused_until);
        let mut counts = lock(&self.counts);
        counts.abandoned += 1;
        let replaced = counts.replaced < self.abandoned_max && self.start_thread(&mut counts);
        counts.replaced += usize::from(replaced);
        replaced
    }

    /// A call that was left behind has come back; says whether its thread is now one too many.
    fn welcome_back(&self, slot: &ChannelSlot, excused_until: Duration, replaced: bool) -> bool {
        let mut counts = lock(&self.counts);
        counts.abandoned -= 1;
        counts.replaced -= usize::from(replaced);
        slot.overdue.remove(excused_until);
        replaced
    }

    /// False where the system has no thread to give: the engine goes on with those it has.
    fn start_thread(self: &Arc<Self>, counts: &mut Counts) -> bool {
        let crew = self.clone();
        self.threads.fetch_add(1, Ordering::SeqCst);
        counts.started += 1;
        let name = format!("gannet-worker-{}", counts.started);
        let started = std::thread::Builder::new().name(name).spawn(move || crew.work());
        if started.is_err() {
            self.threads.fetch_sub(1, Ordering::SeqCst);
        }
        started.is_ok()
    }

    fn work(&self) {
        while let Ok(call) = self.calls.recv() {
            if self.run(&call) {
                break;
            }
        }
        self.threads.fetch_sub(1, Ordering::SeqCst);
    }

    /// Runs a call; says whether its thread was replaced meanwhile and must end.
    fn run(&self, call: &Call) -> bool {
        let since = self.clock.elapsed();
        let wait = since.saturating_sub(call.asked_at);
        {
            let mut stage = lock(&call.stage);
            if *stage != CallStage::Waiting {
                return false;
            }
            let stuck = call.slot.overdue.is_stuck(since);
            if stuck || call.ask.deadline.is_past() {
                *stage = CallStage::Over;
                let why = if stuck { STUCK } else { NO_THREAD };
                // Nobody listens any more where the answer has left: that is no error.
                let _ = call.done.send((call.place, Outcome::skipped(why, wait)));
                return false;
            }
            *stage = CallStage::Running { since };
        }
        let (status, checked) = run_channel(call);
        let run = self.clock.elapsed().saturating_sub(since);
        let mut stage = lock(&call.stage);
        if let CallStage::Abandoned { replaced, excused_until } = *stage {
            return self.welcome_back(&call.slot, excused_until, replaced);
        }
        *stage = CallStage::Over;
        let _ = call.done.send((call.place, Outcome { status, checked, wait, run }));
        false
    }
}

fn run_channel(call: &Call) -> (ChannelStatus, CheckedList) {
    let Call { slot, ask, fetch_k, .. } = call;
    let answer = catch_unwind(AssertUnwindSafe(|| {
        let list = slot.channel.retrieve(ask, *fetch_k)?;
        // Debug builds, and so all tests, check this crate's own channels on every request.
        let is_believed = slot.is_own && !cfg!(debug_assertions);
        Ok(if is_believed { believe(list) } else { check(list, &ask.eligible, *fetch_k) })
    }));
    match answer {
        Ok(Ok(checked)) if checked.list.partial => (ChannelStatus::Partial, checked),
        Ok(Ok(checked)) => (ChannelStatus::Complete, checked),
        Ok(Err(error)) => {
            let error: crate::ChannelError = error;
            (ChannelStatus::Failed(error.to_string()), CheckedList::default())
        }
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let text = text.unwrap_or_else(|| "a panic without a text".to_owned());
            (ChannelStatus::Panicked(text), CheckedList::default())
        }
    }
}

impl Outcome {
    fn skipped(why: &str, wait: Duration) -> Self {
        Self { wait, ..Self::without_list(ChannelStatus::Skipped(why.to_owned())) }
    }

    fn without_list(status: ChannelStatus) -> Self {
        let (wait, run) = (Duration::ZERO, Duration::ZERO);
        Self { status, checked: CheckedList::default(), wait, run }
    }

    fn report(self, channel: &PlanChannel) -> (ChannelAnswer, ChannelReport) {
        let CheckedList { list, returned, faults } = self.checked;
        let name: &ChannelName = &channel.channel;
        let report = ChannelReport {
            channel: name.clone(),
            status: self.status,
            asked: channel.fetch_k,
            returned,
            kept: 0,
            dropped: list.dropped,
            faults,
            wait_us: self.wait.as_micros() as u64,
            run_us: self.run.as_micros() as u64,
        };
        (ChannelAnswer { channel: name.clone(), list }, report)
    }
}

/// The calls that a request still waits for.
struct Pending {
    calls: Vec<PendingCall>,
}

struct PendingCall {
    place: usize,
    due: Deadline,
    stage: Arc<Mutex<CallStage>>,
    slot: Arc<ChannelSlot>,
    asked_at: Duration,
}

impl Pending {
    fn first_due(&self) -> Option<Deadline> {
        self.calls.iter().map(|call| &call.due).min_by_key(|due| due.at()).cloned()
    }

    fn remove(&mut self, place: usize) {
        self.calls.retain(|call| call.place != place);
    }

    /// Takes out the calls that are due no later than `due`. The wait for it is over, whatever
    /// the clock says: one that a test stands still must not make a request wait for ever.
    fn take_due(&mut self, due: &Deadline) -> Vec<PendingCall> {
        let (taken, left) =
            std::mem::take(&mut self.calls).into_iter().partition(|call| call.due.at() <= due.at());
        self.calls = left;
        taken
    }
}
