/* Parts of messages by sender: few at a time, so a list. Owns their bytes, and those of the
 * last whole message until the next call. */
#include "hub/hub_assembly.h"

#include "base/limits.h"
#include "base/memory.h"

struct part {
    struct list link;
    uint32_t sender;
    struct buffer bytes;
};

void hub_assembly_init(struct hub_assembly *assembly) {
    list_init(&assembly->parts);
    assembly->whole = BUFFER_EMPTY;
}

static void free_part(struct part *part) {
    list_remove(&part->link);
    buffer_release(&part->bytes);
    memory_free(part);
}

static struct part *find(struct hub_assembly *assembly, uint32_t sender) {
    for (struct list *link = assembly->parts.next; link != &assembly->parts; link = link->next) {
        struct part *part = LIST_OBJECT(link, struct part, link);
        if (part->sender == sender) {
            return part;
        }
    }
    return NULL;
}

void hub_assembly_forget(struct hub_assembly *assembly, uint32_t sender) {
    struct part *part = find(assembly, sender);
    if (part != NULL) {
        free_part(part);
    }
}

static struct part *begin(struct hub_assembly *assembly, uint32_t sender) {
    hub_assembly_forget(assembly, sender);
    struct part *part = memory_allocate_zeroed(sizeof(*part));
    if (part != NULL) {
        part->sender = sender;
        list_append(&assembly->parts, &part->link);
    }
    return part;
}

static int append(struct part *part, struct slice bytes) {
    if (part->bytes.length + bytes.length > LIMIT_HUB_MESSAGE + HUB_SEND_PREFIX) {
        return STATUS_TOO_LARGE;
    }
    return buffer_append(&part->bytes, bytes);
}

int hub_assembly_add(struct hub_assembly *assembly, const struct hub_frame *frame,
                     struct slice *payload) {
    buffer_release(&assembly->whole);
    if ((frame->flags & (HUB_MORE | HUB_CONTINUED)) == 0) {
        *payload = frame->payload;
        return STATUS_OK;
    }
    bool continues = (frame->flags & HUB_CONTINUED) != 0;
    struct part *part = continues ? find(assembly, frame->number) : begin(assembly, frame->number);
    if (part == NULL) {
        return continues ? STATUS_STATE : STATUS_NO_MEMORY;
    }
    int status = append(part, frame->payload);
    if (status != STATUS_OK) {
        free_part(part);
        return status;
    }
    if ((frame->flags & HUB_MORE) != 0) {
        return STATUS_STATE;
    }
    assembly->whole = part->bytes;
    part->bytes = BUFFER_EMPTY;
    free_part(part);
    *payload = buffer_slice(&assembly->whole);
    return STATUS_OK;
}

void hub_assembly_clear(struct hub_assembly *assembly) {
    while (!list_is_empty(&assembly->parts)) {
        free_part(LIST_OBJECT(assembly->parts.next, struct part, link));
    }
    buffer_release(&assembly->whole);
}
