pub fn run(_: &crate::args::DoctorArgs) -> crate::error::Result<()> { Ok(()) }
