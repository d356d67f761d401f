//! Limits of rate and of concurrency.
//!
//! A rate limit protects from callers: so many calls a second, with bursts ([`TokenBucket`]) or smoothed ([`LeakyBucket`]). A limit of
//! concurrency protects from slowness, too: by Little's law, so many calls in flight are a rate that falls as calls take longer. What the
//! right number is, [`Concurrency`] can find out by itself.
//!
//! ```
//! use stormglass_policies::policies::limiter::{TokenBucket, TokenBucketSettings, Wait};
//! use stormglass_process::base::{Duration, LocalTime};
//!
//! let settings = TokenBucketSettings { rate: "10/s".parse().unwrap(), burst: 2 };
//! let mut bucket = TokenBucket::new(&settings).unwrap();
//! let now = LocalTime::from_nanos(0);
//! assert!(bucket.try_take(now, 1).is_ok() && bucket.try_take(now, 1).is_ok());
//! assert_eq!(bucket.try_take(now, 1), Err(Wait::For(Duration::from_millis(100))));
//! assert_eq!(bucket.try_take(now, 3), Err(Wait::Never));
//! ```

mod concurrency;
mod rate;

pub use concurrency::{AimdSettings, Concurrency, ConcurrencySettings, Held, VegasSettings};
pub use rate::{LeakyBucket, LeakyBucketSettings, TokenBucket, TokenBucketSettings, Wait};
