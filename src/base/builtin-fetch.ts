/**
 * Importing undici claims the process-wide dispatcher unless the built-in fetch has been loaded before, and then the
 * application's own fetch runs on our undici. Touching the platform's Response loads the built-in one first; this
 * module must therefore be evaluated before undici is.
 */
new Response(null)
