/* contract: the field tables of the contract's nouns, one file each. */
#ifndef CONTRACT_CONTRACT_H
#define CONTRACT_CONTRACT_H

#include "fields.h"
#include "lodge/event.h"

extern const struct field lodge_vm_fields[];
extern const struct field lodge_vm_stats_fields[];
extern const struct field lodge_host_fields[];
extern const struct field lodge_host_stats_fields[];
extern const struct field lodge_op_fields[];
extern const struct field_names lodge_op_state_names;
extern const struct field lodge_session_fields[];
extern const struct field_names lodge_session_kind_names;
extern const struct field_names lodge_session_mode_names;
extern const struct field_names lodge_session_door_names;
extern const struct field_names lodge_session_state_names;
extern const struct field lodge_amounts_fields[];
extern const struct field lodge_quota_fields[];
extern const struct field lodge_quota_of_fields[];
extern const struct field_names lodge_quota_scope_names;
extern const struct field lodge_user_fields[];
extern const struct field lodge_audit_fields[];
extern const struct field lodge_offer_fields[];
extern const struct field_names lodge_vm_state_names;
extern const struct field_names lodge_host_state_names;
extern const struct field lodge_event_fields[]; /* all but a sample */
extern const struct field_names lodge_topic_names;
extern const struct field_names lodge_event_type_names;

/* What vm.list and topic vm show when no fields are named: all but what only vm.get tells. */
field_mask lodge_vm_list_mask(void);

/* What can stand in `pending` of a VM, from 0; NULL behind the last. */
const char *lodge_vm_waiting_member(size_t index);

/* What people call it: "boot order" for boot. What a newer daemon says stands for itself. */
const char *lodge_vm_waiting_words(const char *member);

#endif
