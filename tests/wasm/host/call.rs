//! One call of a host function: its arguments, and the guest's memory.

use wasmi::{AsContext, AsContextMut, Caller, Memory, Val};

use super::fault::Fault;
use super::state::{Stage, State};

/// A host function being called.
pub(crate) struct Call<'a> {
    pub(crate) name: &'static str,
    pub(crate) guest: Caller<'a, State>,
    pub(crate) arguments: &'a [Val],
}

impl Call<'_> {
    pub(crate) fn state(&mut self) -> &mut State {
        self.guest.data_mut()
    }

    /// A fault of this call.
    pub(crate) fn fault(&self, text: impl std::fmt::Display) -> Fault {
        let stage = self.guest.data().stage;
        Fault::new(format!("{} in {stage:?}: {text}", self.name))
    }

    /// Refuses the call in any other stage.
    pub(crate) fn only_in(&self, stages: &[Stage]) -> Result<(), Fault> {
        if stages.contains(&self.guest.data().stage) {
            Ok(())
        } else {
            Err(self.fault("it must not be asked for here"))
        }
    }

    /// A 32-bit argument.
    pub(crate) fn word(&self, index: usize) -> u32 {
        match self.arguments[index] {
            Val::I32(word) => word.cast_unsigned(),
            ref other => panic!("{}: argument {index} is {other:?}", self.name),
        }
    }

    /// A 64-bit argument.
    pub(crate) fn long(&self, index: usize) -> i64 {
        match self.arguments[index] {
            Val::I64(long) => long,
            ref other => panic!("{}: argument {index} is {other:?}", self.name),
        }
    }

    /// The bytes at the pointer `index`, of the length that is the next argument.
    pub(crate) fn bytes(&self, index: usize) -> Result<Vec<u8>, Fault> {
        let (start, length) = (self.word(index) as usize, self.word(index + 1) as usize);
        let memory = self.memory()?.data(&self.guest);
        start
            .checked_add(length)
            .and_then(|end| memory.get(start..end))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| self.fault("it reads beyond the memory"))
    }

    /// Text at the pointer `index`.
    pub(crate) fn text(&self, index: usize) -> Result<String, Fault> {
        String::from_utf8(self.bytes(index)?).map_err(|_| self.fault("not UTF-8"))
    }

    /// Writes to where the argument `index` points.
    pub(crate) fn put(&mut self, index: usize, bytes: &[u8]) -> Result<(), Fault> {
        self.write(self.word(index), bytes)
    }

    /// Hands over bytes in memory that the guest allocates: where it is goes to where the argument
    /// `index` points, how long it is to where the next one points.
    pub(crate) fn give(&mut self, index: usize, bytes: &[u8]) -> Result<(), Fault> {
        let length = u32::try_from(bytes.len()).expect("what is given is short");
        let address = if bytes.is_empty() {
            0
        } else {
            let address = self.allocated(length)?;
            self.write(address, bytes)?;
            address
        };
        self.put(index, &address.to_le_bytes())?;
        self.put(index + 1, &length.to_le_bytes())
    }

    fn allocated(&mut self, length: u32) -> Result<u32, Fault> {
        let allocate = self.guest.data().allocate;
        let allocate = allocate.ok_or_else(|| self.fault("the guest has no allocator yet"))?;
        let stage = std::mem::replace(&mut self.state().stage, Stage::Allocate);
        let address = allocate.call(self.guest.as_context_mut(), length)?;
        self.state().stage = stage;
        if address == 0 {
            return Err(self.fault("the guest allocated nothing"));
        }
        Ok(address)
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Fault> {
        let memory = self.memory()?;
        memory
            .write(self.guest.as_context_mut(), address as usize, bytes)
            .map_err(|_| self.fault("it writes beyond the memory"))
    }

    fn memory(&self) -> Result<Memory, Fault> {
        let memory = self.guest.as_context().data().memory;
        memory.ok_or_else(|| self.fault("the guest has no memory yet"))
    }
}
