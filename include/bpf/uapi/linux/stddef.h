// linux/stddef.h: nothing that programs need; included by sources out of habit.
