// Loaded first in every process that the demo starts: when the demo is gone, however it went, so is the process.
// The demo holds the other end of a channel, which the system closes for it if it cannot do so itself.
process.once('disconnect', () => process.exit(1))
if (!process.connected) process.exit(1)
// The channel alone is no reason to go on living.
process.channel?.unref()
