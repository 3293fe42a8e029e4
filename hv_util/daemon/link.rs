// SPDX-License-Identifier: GPL-2.0

//! The conversation with a daemon.
//!
//! A daemon opens the device, registers, may have to read a greeting, and then reads questions and
//! writes answers, in turns. When it closes the device, whoever waits for an answer is told so; the
//! next one to open it has to register, too.
//!
//! An answer counts only if its question has been read. A daemon that comes too late with the
//! answer to a question that was given up gets an error, instead of having it taken for the answer
//! to the next one; Debian's daemons then begin anew. It still gets to read such a question, because
//! it may be one to thaw file systems.

use super::{
    super::sys::device::{
        FileOperations,
        Readiness, //
    },
    MessageLen,
    Protocol,
    Registration, //
};
use core::{
    mem,
    time::Duration, //
};
use kernel::{
    new_mutex, new_poll_condvar,
    prelude::*,
    sync::{
        lock::{
            mutex::MutexBackend,
            Guard, //
        },
        poll::PollCondVar,
        Arc,
        CondVarTimeoutResult,
        Mutex, //
    },
    time::{
        msecs_to_jiffies,
        Jiffies, //
    },
};

/// How far the conversation with a daemon that has the device open is.
enum Stage<D> {
    /// It has not registered.
    Silent,
    /// It has registered, but not read the greeting.
    Greeted { daemon: D, greeting: KVec<u8> },
    /// There is nothing to do.
    Idle(D),
    /// It has not read the question.
    Asked { daemon: D, question: KVec<u8> },
    /// It has, and has not answered.
    Working(D),
    /// It has not read the question, and its answer is not waited for any more.
    Late { daemon: D, question: KVec<u8> },
}

impl<D: Copy> Stage<D> {
    /// The answer to the last question is not waited for any more.
    fn give_up(&mut self) {
        *self = match self {
            Self::Asked { daemon, question } => Self::Late {
                daemon: *daemon,
                question: mem::take(question),
            },
            Self::Working(daemon) => Self::Idle(*daemon),
            _ => return,
        };
    }

    /// Has a daemon that has registered read `amends`, instead of what it has not read.
    fn make(&mut self, amends: Option<KVec<u8>>) {
        if let (Self::Idle(daemon) | Self::Late { daemon, .. }, Some(question)) = (&*self, amends) {
            *self = Self::Late {
                daemon: *daemon,
                question,
            };
        }
    }

    /// Takes what the daemon has not read, if it is not longer than `room`.
    fn take_unread(&mut self, room: usize) -> Result<Option<KVec<u8>>> {
        let (message, next) = match self {
            Self::Greeted { daemon, greeting } => (greeting, Self::Idle(*daemon)),
            Self::Asked { daemon, question } => (question, Self::Working(*daemon)),
            Self::Late { daemon, question } => (question, Self::Idle(*daemon)),
            _ => return Ok(None),
        };
        if message.len() > room {
            return Err(EINVAL);
        }
        let message = mem::take(message);
        *self = next;
        Ok(Some(message))
    }
}

/// Who is at the other end.
enum State<D> {
    /// Nobody has the device open.
    Closed,
    /// A daemon has.
    Open(Stage<D>),
    /// The service is going away, and so is the device.
    Gone,
}

/// A conversation.
struct Conversation<D> {
    state: State<D>,
    /// The answer to the last question, until it is fetched. It counts also if the daemon has
    /// closed the device since.
    answer: Option<KVec<u8>>,
    /// The system hibernates, and daemons are frozen.
    asleep: bool,
}

impl<D> Conversation<D> {
    /// How far the one who has the device open is.
    fn stage(&mut self) -> Result<&mut Stage<D>> {
        match &mut self.state {
            State::Open(stage) => Ok(stage),
            State::Closed | State::Gone => Err(EBADF),
        }
    }
}

/// The driver's end of the conversation.
#[pin_data]
pub(super) struct Link<P: Protocol> {
    #[pin]
    conversation: Mutex<Conversation<P::Daemon>>,
    /// The state has changed.
    #[pin]
    changed: PollCondVar,
}

impl<P: Protocol> Link<P> {
    /// Makes a link that nobody has open.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new() -> Result<Arc<Self>> {
        let conversation = Conversation {
            state: State::Closed,
            answer: None,
            asleep: false,
        };
        let init = pin_init!(Self {
            conversation <- new_mutex!(conversation, "Link::conversation"),
            changed <- new_poll_condvar!("Link::changed"),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// Waits until a daemon has registered, but no longer than `patience`.
    pub(super) fn await_daemon(&self, patience: Duration) {
        let mut left = jiffies(patience);
        let mut conversation = self.conversation.lock();
        while left != 0 && !conversation.asleep {
            match &conversation.state {
                State::Closed | State::Open(Stage::Silent | Stage::Greeted { .. }) => (),
                State::Open(_) | State::Gone => return,
            }
            left = self.wait(&mut conversation, left);
        }
    }

    /// Asks the daemon, and waits for its answer.
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if there is no daemon, it goes away, or it has not even read the last question;
    /// `ETIMEDOUT` if it does not answer within `patience`.
    pub(super) fn ask(
        &self,
        question: KVec<u8>,
        patience: Duration,
    ) -> Result<(P::Daemon, KVec<u8>)> {
        let mut left = jiffies(patience);
        let mut conversation = self.conversation.lock();
        let daemon = match conversation.state {
            State::Open(Stage::Idle(daemon)) if !conversation.asleep => daemon,
            _ => return Err(ENOTCONN),
        };
        conversation.answer = None;
        conversation.state = State::Open(Stage::Asked { daemon, question });
        self.changed.notify_all();
        loop {
            if let Some(answer) = conversation.answer.take() {
                return Ok((daemon, answer));
            }
            let State::Open(stage @ (Stage::Asked { .. } | Stage::Working(_))) =
                &mut conversation.state
            else {
                // Whoever has the device open now has not been asked.
                return Err(ENOTCONN);
            };
            if left == 0 {
                stage.give_up();
                return Err(ETIMEDOUT);
            }
            left = self.wait(&mut conversation, left);
        }
    }

    /// Interrupts the conversation until [`Self::wake`]. What the daemon reads next is `amends`.
    pub(super) fn sleep(&self, amends: Option<KVec<u8>>) {
        let mut conversation = self.conversation.lock();
        conversation.asleep = true;
        if let State::Open(stage) = &mut conversation.state {
            stage.give_up();
            stage.make(amends);
        }
        drop(conversation);
        self.changed.notify_all();
    }

    /// Goes on with it.
    pub(super) fn wake(&self) {
        self.conversation.lock().asleep = false;
    }

    /// Ends the conversation for good.
    pub(super) fn end(&self) {
        self.conversation.lock().state = State::Gone;
        self.changed.notify_all();
    }

    /// Waits for a change. Returns how much is left of the time.
    fn wait(
        &self,
        conversation: &mut Guard<'_, Conversation<P::Daemon>, MutexBackend>,
        left: Jiffies,
    ) -> Jiffies {
        // Interruptible because a wait of minutes is no sign of a hung task.
        match self.changed.wait_interruptible_timeout(conversation, left) {
            CondVarTimeoutResult::Timeout => 0,
            CondVarTimeoutResult::Woken { jiffies } | CondVarTimeoutResult::Signal { jiffies } => {
                jiffies
            }
        }
    }

    fn register(message: &[u8]) -> Result<Stage<P::Daemon>> {
        let Registration { daemon, greeting } = P::register(message)?;
        Ok(match greeting {
            Some(greeting) => Stage::Greeted { daemon, greeting },
            None => Stage::Idle(daemon),
        })
    }
}

impl<P: Protocol> FileOperations for Link<P> {
    fn open(&self) -> Result {
        let mut conversation = self.conversation.lock();
        match conversation.state {
            State::Closed => conversation.state = State::Open(Stage::Silent),
            State::Open(_) => return Err(EBUSY),
            State::Gone => return Err(EBADF),
        }
        Ok(())
    }

    fn release(&self) {
        let mut conversation = self.conversation.lock();
        if let State::Open(_) = conversation.state {
            conversation.state = State::Closed;
        }
        drop(conversation);
        self.changed.notify_all();
    }

    fn read(&self, room: usize) -> Result<KVec<u8>> {
        let mut conversation = self.conversation.lock();
        loop {
            if let Some(message) = conversation.stage()?.take_unread(room)? {
                self.changed.notify_all();
                return Ok(message);
            }
            if self.changed.wait_interruptible(&mut conversation) {
                return Err(EINTR);
            }
        }
    }

    fn wanted(&self, len: usize) -> Result<usize> {
        match P::MESSAGE_LEN {
            MessageLen::Exactly(wanted) if len == wanted => Ok(wanted),
            MessageLen::AtLeast(wanted) if len >= wanted => Ok(wanted),
            _ => Err(EINVAL),
        }
    }

    fn write(&self, message: KVec<u8>) -> Result {
        let mut conversation = self.conversation.lock();
        let stage = conversation.stage()?;
        let registers_again = P::registers_again(&message);
        match *stage {
            Stage::Silent => *stage = Self::register(&message)?,
            Stage::Idle(_) if registers_again => *stage = Self::register(&message)?,
            Stage::Working(daemon) if !registers_again => {
                *stage = Stage::Idle(daemon);
                conversation.answer = Some(message);
            }
            // It has not read the last greeting.
            Stage::Greeted { .. } => return Err(EFAULT),
            // Nobody asked.
            _ => return Err(EINVAL),
        }
        self.changed.notify_all();
        Ok(())
    }

    fn changes(&self) -> &PollCondVar {
        &self.changed
    }

    fn readiness(&self) -> Readiness {
        match self.conversation.lock().state {
            State::Gone => Readiness::HungUp,
            State::Open(Stage::Greeted { .. } | Stage::Asked { .. } | Stage::Late { .. }) => {
                Readiness::Readable
            }
            _ => Readiness::Nothing,
        }
    }
}

fn jiffies(time: Duration) -> Jiffies {
    msecs_to_jiffies(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
}
