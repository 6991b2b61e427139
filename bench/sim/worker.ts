import { compare, type ComparisonTask } from './comparison.js'

process.on('message', (task: ComparisonTask) => process.send?.(compare(task)))
