#![doc = include_str!("../../../README.md")]

mod adoption;
mod alarm;
mod audit;
mod bindings;
mod builder;
mod capability;
mod change;
mod clock;
mod code_cache;
mod code_size;
mod counter_name;
mod decision;
mod deployment;
mod documents;
mod environment;
mod error;
mod event;
mod figures;
mod fingerprint;
mod history;
mod holder;
mod holds;
mod install_key;
mod installation;
mod instances;
mod limits;
mod maintenance;
mod measured;
mod placet;
mod policies;
mod program;
mod random;
mod reasons;
mod recording;
mod replay;
mod report;
mod request;
mod reservation;
mod sandbox;
mod self_test;
pub mod simulation;
mod state_check;
mod state_dir;
mod status;
mod store;
mod vault;
mod verifier;
mod waiting;

pub use placet_artifact as artifact;
pub use placet_artifact::{PolicyRoot, PolicyRoots};

pub use crate::audit::{
    AUDIT_FILES, AuditBreak, AuditFault, AuditLine, AuditSummary, DamagedLine, ReadLine, audit_lines, verify_audit,
};
pub use crate::bindings::exports::placet::policy::licensing::Holder;
pub use crate::bindings::exports::placet::policy::types::{
    Attribute, Decision, Document, Feature, Limit, Status as LicenseStatus, Summary, Usage, Warning,
};
pub use crate::builder::{Builder, FailMode, Uploads};
pub use crate::change::{Change, Standing};
pub use crate::decision::{Denied, PROBLEM_BASE, Problem};
pub use crate::error::{Failure, InstallError, OpenError, PolicyError, SettleError};
pub use crate::event::Event;
pub use crate::figures::{
    COMMIT_BOUNDS, Counts, DecisionFigures, DecisionKind, Figures, MAX_REQUESTERS, Outcomes, Reloads, RequestFigures,
    Requester, StoreFigures,
};
pub use crate::fingerprint::fingerprints;
pub use crate::history::{Forecast, Outlook, Sample};
pub use crate::holder::{HolderError, HolderStatus};
#[doc(hidden)]
pub use crate::measured::{MeasuredCaller, MeasuredCounter};
pub use crate::placet::Placet;
pub use crate::reasons::{ReasonRow, help, reasons};
pub use crate::recording::{Recorded, RecordedPolicy, Recording, RecordingError};
pub use crate::replay::{Difference, Replay, ReplayError};
pub use crate::report::{
    Lowered, Report, ReportError, ReportFault, ReportPin, ReportedCounter, ReportedLicense, Setback, SignedReport,
};
pub use crate::request::Request;
pub use crate::reservation::{DEFAULT_TERM, Reservation, Reserve};
pub use crate::state_check::{exposed_files, probe_state};
pub use crate::state_dir::StateError;
pub use crate::status::{CountersInfo, PolicyInfo, Status};
pub use crate::store::{Ancestry, Burned, Head, HeadError, Settlement, StoreError};
pub use crate::vault::{SecretError, Vault};
pub use crate::verifier::{License, Plan, VerifiedJws, Verifier, VerifyError};
pub use crate::waiting::{Around, while_waiting};
